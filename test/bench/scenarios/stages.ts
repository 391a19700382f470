/** Servers that broadcast a board to a crowd: the product's node, fed over the bus, and what it is compared with. */
import { create, toBinary } from '@bufbuild/protobuf';
import { updateFrame } from '../../../edge/fanout/frames.ts';
import { ScoreBatchSchema } from '../../../gen/scoreboard/event/v1/event_pb.ts';
import { ScoreService } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { createGrpcClient } from '../../../services/shared/grpc.ts';
import { createSilentLog } from '../../../services/shared/log.ts';
import { connectNats, scoreSubject } from '../../../services/shared/nats.ts';
import { type Child, startChild } from '../calls.ts';
import type { CrowdCalls } from '../generator/crowd-main.ts';
import type { Dialect } from '../generator/websocket.ts';
import { BROADCAST_KINDS, type BroadcastKind } from '../peers/broadcast-kinds.ts';
import type { BroadcastCalls } from '../peers/broadcast-main.ts';
import type { ProcessGroup } from '../report/processes.ts';
import type { World } from '../world.ts';

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
  publish(seq: number): void;
  stop(): Promise<void>;
}

const OUR_NETWORK = 1;
/** A node takes 2,000 new sockets a second. */
const OPEN_PER_S = 1_800;
/** A process may have 20,000 descriptors. */
const SOCKETS_PER_CROWD = 10_000;
/** Above all positions that the product hands out itself during a run. */
const FIRST_SEQ = 1_000_000;
const READ_DEADLINE_MS = 2_000;

/** Ten players with names and scores as they come. */
function boardAt(epoch: number, seq: number) {
  const entries = Array.from({ length: 10 }, (_, place) => ({
    userId: `player-${String(place).padStart(5, '0')}`,
    username: `player-${String(place).padStart(5, '0')}`,
    score: 9_000_000 - place * 1_000 + (place === 0 ? seq - FIRST_SEQ : 0),
    rank: place + 1,
  }));
  return { leaderboard: 'global', epoch, seq, entries };
}

/** The frame that the product sends for this position; the others are given the same bytes. */
function frameAt(seq: number): string {
  const board = boardAt(1, seq + FIRST_SEQ);
  const [first] = board.entries;
  const cause = { userId: first?.userId ?? '', newScore: first?.score ?? 0 };
  return updateFrame({ ...board, seq, cause }, cause, false);
}

export async function startOurStage(world: World): Promise<Stage> {
  const nats = await connectNats({ url: world.natsUrl, name: 'bench', log: createSilentLog() });
  const epoch = await epochOf(world);
  const fanout = world.groups().find(({ name }) => name === 'fanout');
  if (fanout === undefined) throw new Error('the stack has no fan-out');
  return createStage({
    ...{ name: 'ours', server: fanout, groups: world.groups() },
    target: { port: world.fanoutPort, path: '/live', dialect: 'plain' },
    network: OUR_NETWORK,
    publish(seq) {
      const { entries } = boardAt(Number(epoch), FIRST_SEQ + seq);
      const states = entries.map(({ userId, username, score }) => ({
        userId,
        username,
        score: BigInt(score),
      }));
      const batch = create(ScoreBatchSchema, {
        batchId: `bench-${seq}`,
        leaderboard: 'global',
        board: {
          ...{ epoch, seq: BigInt(FIRST_SEQ + seq), entries: states },
          ...{ causeUserId: states[0]?.userId ?? '', causeScore: states[0]?.score ?? 0n },
        },
      });
      nats.publish(scoreSubject('global'), toBinary(ScoreBatchSchema, batch));
    },
    stop: () => nats.close(),
  });
}

/** What a stage's crowd says of positions is counted from the first that the bench handed out. */
export function positionOf(seq: number): number {
  return seq >= FIRST_SEQ ? seq - FIRST_SEQ : seq;
}

export async function startOtherStage(kind: BroadcastKind): Promise<Stage> {
  const network = OUR_NETWORK + 1 + BROADCAST_KINDS.indexOf(kind);
  const child: Child<BroadcastCalls> = startChild(new URL('../peers/broadcast-main.ts', import.meta.url));
  const { port, path } = await child.call('start', { kind });
  const server = { name: kind, pid: child.pid };
  return createStage({
    ...{ name: kind, server, groups: [server] },
    target: { port, path, dialect: kind === 'Socket.IO' ? 'socket.io' : 'plain' },
    network,
    publish: (seq) => void child.call('publish', { frame: frameAt(seq) }),
    stop: () => child.stop(),
  });
}

function createStage(options: {
  name: string;
  server: ProcessGroup;
  /** The server and all that works for it. */
  groups: readonly ProcessGroup[];
  target: { port: number; path: string; dialect: Dialect };
  /** Its sockets come from 127.0.<network>.x: a source address has ports for 28,000 sockets, whatever they connect to. */
  network: number;
  publish: (seq: number) => void;
  stop: () => Promise<void>;
}): Stage {
  const { name, server, target, network, publish, stop } = options;
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
  const score = createGrpcClient(ScoreService, {
    address: world.scoreAddress,
    serviceKey: world.serviceKey('fanout'),
    unavailable: 'SCORE_UNAVAILABLE',
  });
  try {
    const { position } = await score.getTop({ leaderboard: 'global' }, { deadlineMs: READ_DEADLINE_MS });
    return position?.epoch ?? 1n;
  } finally {
    score.close();
  }
}
