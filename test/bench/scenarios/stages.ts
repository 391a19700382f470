/** Servers that broadcast a board to a crowd: the product's node, fed over the bus, and what it is compared with. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Frame } from '../../../edge/fanout/frames/frame.ts';
import { updateFrame } from '../../../edge/fanout/frames/frames.ts';
import { ScoreBatchSchema } from '../../../gen/scoreboard/event/v1/event_pb.ts';
import { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createGrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { natsNames } from '../../../services/shared/stores/names.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import type { CrowdCalls } from '../generator/crowd-main.ts';
import type { Dialect } from '../generator/websocket.ts';
import { BROADCAST_KINDS, type BroadcastKind } from '../peers/broadcast-kinds.ts';
import type { BroadcastCalls } from '../peers/broadcast-main.ts';
import { type Child, startChild } from '../processes/calls.ts';
import type { ProcessGroup } from '../processes/usage.ts';
import type { World } from '../world/world.ts';

export interface Stage {
  readonly name: string;
  /** The process that sends the frames. */
  readonly server: ProcessGroup;
  /** All whose cost counts. */
  readonly groups: readonly ProcessGroup[];
  readonly crowds: readonly Child<CrowdCalls>[];
  /** Adds sockets until there are this many. */
  grow(sockets: number): Promise<void>;
  readonly sockets: number;
  /** The position of a frame, counted from the first that the stage published; below 1 for what came before. */
  positionOf(seq: number): number;
  publish(seq: number): void;
  stop(): Promise<void>;
}

/** What frames are encoded as. */
export type Encoding = 'text' | 'binary';

/** A node takes 2,000 new sockets a second. */
const OPEN_PER_S = 1_800;
/** A process may have 20,000 descriptors. */
const SOCKETS_PER_CROWD = 10_000;
/** Above all positions that the product hands out itself, or another stage, during a run. */
const FIRST_SEQ = { text: 1_000_000, binary: 2_000_000 } as const;
const READ_DEADLINE_MS = 2_000;
/** Sockets come from 127.0.<network>.x: a source address has ports for 28,000 sockets, whatever they connect to. */
const NETWORKS = { text: 1, binary: 11 } as const;
const DIALECTS = { text: 'plain', binary: 'binary' } as const satisfies Record<Encoding, Dialect>;

/** Ten players with names and scores as they come; the first score counts with the step. */
function boardAt(epoch: number, seq: number, step: number) {
  const entries = Array.from({ length: 10 }, (_, place) => ({
    userId: `player-${String(place).padStart(5, '0')}`,
    username: `player-${String(place).padStart(5, '0')}`,
    score: 9_000_000 - place * 1_000 + (place === 0 ? step : 0),
    rank: place + 1,
  }));
  return { leaderboard: 'global', epoch, seq, entries };
}

/** The frame that the product sends at this step; the others are given the same bytes. */
function frameAt(step: number, encoding: Encoding): Frame {
  const board = boardAt(1, FIRST_SEQ[encoding] + step, step);
  const [first] = board.entries;
  const cause = { userId: first?.userId ?? '', newScore: first?.score ?? 0 };
  return updateFrame({ ...board, cause }, cause, false);
}

export async function startOurStage(world: World, encoding: Encoding): Promise<Stage> {
  const firstSeq = FIRST_SEQ[encoding];
  const nats = await connectNats({ url: world.natsUrl, name: 'bench', log: createSilentLog() });
  const epoch = await epochOf(world);
  const fanout = world.groups().find(({ name }) => name === 'fanout');
  if (fanout === undefined) throw new Error('the stack has no fan-out');
  return createStage({
    ...{ name: 'ours', server: fanout, groups: world.groups() },
    target: { port: world.fanoutPort, path: '/live', dialect: DIALECTS[encoding] },
    encoding,
    publish(seq) {
      const { entries } = boardAt(Number(epoch), firstSeq + seq, seq);
      const states = entries.map(({ userId, username, score }) => ({
        userId,
        username,
        score: BigInt(score),
      }));
      const batch = create(ScoreBatchSchema, {
        batchId: `bench-${seq}`,
        leaderboard: 'global',
        board: {
          ...{ epoch, seq: BigInt(firstSeq + seq), entries: states },
          ...{ causeUserId: states[0]?.userId ?? '', causeScore: states[0]?.score ?? 0n },
        },
      });
      nats.publish(natsNames('scoreboard').subject('global'), toBinary(ScoreBatchSchema, batch));
    },
    stop: () => nats.close(),
  });
}

export async function startOtherStage(kind: BroadcastKind, encoding: Encoding): Promise<Stage> {
  const child: Child<BroadcastCalls> = startChild(new URL('../peers/broadcast-main.ts', import.meta.url));
  const { port, path } = await child.call('start', { kind });
  const server = { name: kind, pid: child.pid };
  return createStage({
    ...{ name: kind, server, groups: [server] },
    target: { port, path, dialect: kind === 'Socket.IO' ? 'socket.io' : DIALECTS[encoding] },
    encoding,
    publish(seq) {
      const frame = frameAt(seq, encoding);
      void child.call('publish', { frame: encoding === 'text' ? frame.text : frame.bytes });
    },
    stop: () => child.stop(),
  });
}

function createStage(options: {
  name: string;
  server: ProcessGroup;
  /** The server and all that works for it. */
  groups: readonly ProcessGroup[];
  target: { port: number; path: string; dialect: Dialect };
  encoding: Encoding;
  publish: (seq: number) => void;
  stop: () => Promise<void>;
}): Stage {
  const { name, server, target, encoding, publish, stop } = options;
  const network = NETWORKS[encoding] + ['ours', ...BROADCAST_KINDS].indexOf(name);
  const crowds: Child<CrowdCalls>[] = [];
  const groups = [...options.groups];
  let sockets = 0;

  function crowdAt(index: number): Child<CrowdCalls> {
    const known = crowds[index];
    if (known !== undefined) return known;
    const crowd = startChild<CrowdCalls>(new URL('../generator/crowd-main.ts', import.meta.url));
    crowds.push(crowd);
    groups.push({ name: index === 0 ? 'generator' : `generator ${index + 1}`, pid: crowd.pid });
    return crowd;
  }

  return {
    ...{ name, server, groups, crowds, publish },
    positionOf: (seq) => seq - FIRST_SEQ[encoding],
    get sockets() {
      return sockets;
    },
    async grow(wanted) {
      while (sockets < wanted) {
        const index = Math.floor(sockets / SOCKETS_PER_CROWD);
        const count = Math.min((index + 1) * SOCKETS_PER_CROWD, wanted) - sockets;
        const from = { localAddress: `127.0.${network}.${index + 1}`, perSecond: OPEN_PER_S };
        await crowdAt(index).call('open', { ...target, ...from, sockets: count });
        sockets += count;
      }
    },
    async stop() {
      await Promise.all(crowds.map((crowd) => crowd.stop()));
      await stop();
    },
  };
}

async function epochOf(world: World): Promise<bigint> {
  const rank = createGrpcClient(RankService, {
    address: world.rankAddress,
    serviceKey: world.serviceKey('fanout'),
    unavailable: 'RANK_UNAVAILABLE',
  });
  try {
    const { position } = await rank.getTop({ leaderboard: 'global' }, { limitMs: READ_DEADLINE_MS });
    return position?.epoch ?? 1n;
  } finally {
    rank.close();
  }
}
