/**
 * The whole scoreboard in one thread: players and viewers, an edge, two score services, two rank services, two fan-out nodes,
 * Postgres, Redis and the bus, joined by a network that a seed decides about. First chaos, then peace, then the record of it all.
 */
import { createSubmit } from '../../../edge/http/submit/submit.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import type { HistoryEvent, RunRecord, SocketEvent } from '../checker/record.ts';
import { createRandom, type Random } from '../random.ts';
import { type Bus, createBus } from './bus.ts';
import { scheduleChaos } from './chaos.ts';
import { createDatabase, type Database } from './database.ts';
import { dumpWorld } from './dump.ts';
import { type FanoutNode, startFanoutNode } from './fanout-node.ts';
import { createIndexServer, type IndexServer } from './index-model.ts';
import type { Mutations } from './mutations.ts';
import { createNetwork, type Network, type Process, type Server } from './network.ts';
import { createPlayer } from './player.ts';
import { type RankNode, startRankNode } from './rank-node.ts';
import { connectRank, connectScore, type RankSlot, type ScoreSlot } from './rpc.ts';
import { type ScoreNode, startScoreNode } from './score-node.ts';
import { createTruth, type Truth } from './truth.ts';
import { type FanoutSlot, openViewer, type Viewer } from './viewer.ts';
import { inVirtualTime, type VirtualTime } from './virtual-time.ts';

export interface World {
  readonly time: VirtualTime;
  readonly database: Database;
  readonly truth: Truth;
  readonly index: IndexServer;
  readonly bus: Bus;
  readonly scores: readonly ScoreSlot[];
  readonly ranks: readonly RankSlot[];
  /** The way of score services to rank services. */
  readonly scoreToRank: Server;
  readonly fanouts: readonly FanoutSlot[];
  readonly viewers: readonly Viewer[];
  startScore(): ScoreNode;
  startRank(): RankNode;
  startFanout(): FanoutNode;
}

export interface SimulatedRun {
  readonly record: RunRecord;
  /** The faults of the seed, in order. */
  readonly schedule: readonly string[];
}

const PLAYERS = ['ada', 'bob', 'cy', 'dan', 'eve', 'flo', 'gus', 'hal', 'ivy', 'jo', 'kit', 'lea'];
/** The others leave during the chaos: what is lost of them is not made good by a later score of theirs. */
const STAYING = 4;
const VIEWERS = 4;
const CHAOS_MS = 8_000;
/** Peace has to bring everything in order within this. */
const LIVENESS_MS = 7_000;
const PEACE_MS = 3_000;
/** So long after the last action everything must be at rest. */
const REST_MS = 5_500;
const NS_PER_MS = 1_000_000;

export function simulate(seed: number, mutations: Mutations = {}): Promise<SimulatedRun> {
  const random = createRandom(seed);
  return inVirtualTime(random.fork(), (time) => live(time, random, mutations));
}

async function live(time: VirtualTime, random: Random, mutations: Mutations): Promise<SimulatedRun> {
  const history: HistoryEvent[] = [];
  const frames: SocketEvent[] = [];
  const network = createNetwork(time, random.fork());
  const world = build({ time, random, network, mutations, write: (event) => frames.push(event) });
  const edge = startEdge(world, network, random);
  let ops = 0;
  const players = PLAYERS.map((userId) =>
    createPlayer({
      ...{ userId, time, network, edge, random: random.fork() },
      nextOp: () => ++ops,
      write: (event) => history.push(event),
    }),
  );
  const staying = players.slice(0, STAYING);
  const play = (untilMs: number) => Promise.all(staying.map((player) => player.play(untilMs)));
  const playAndLeave = () => players.slice(STAYING).map((player) => player.play(random.next() * CHAOS_MS));
  const note = (phase: 'begin' | 'end') => {
    const value = { component: 'viewer-fanout', kind: 'chaos', phase };
    history.push({ proc: 'world', op: 0, monoNs: time.nowMs() * NS_PER_MS, f: 'fault', type: 'info', value });
  };

  note('begin');
  network.troubled = true;
  const schedule = scheduleChaos(world, time, random.fork(), CHAOS_MS);
  const playing = Promise.all([play(CHAOS_MS), ...playAndLeave()]);
  await time.sleep(CHAOS_MS);
  network.troubled = false;
  note('end');
  await playing;
  await time.sleep(LIVENESS_MS);
  await play(time.nowMs() + PEACE_MS);
  await time.sleep(REST_MS);
  return { schedule, record: { history, frames, rules: [], conducts: [], ...(await dumpWorld(world)) } };
}

function build(options: {
  time: VirtualTime;
  random: Random;
  network: Network;
  mutations: Mutations;
  write: (event: SocketEvent) => void;
}): World {
  const { time, random, network, mutations, write } = options;
  const database = createDatabase({ time, network, random: random.fork(), mutations });
  const truth = createTruth(database, time);
  const index = createIndexServer(network, mutations);
  const bus = createBus(time, network, random.fork());
  const server = (): Server => ({ state: 'up', life: 1 });
  const startRank = () => startRankNode({ truth, index, bus, mutations });
  const ranks = [0, 1].map(() => ({ server: server(), node: startRank() }));
  const scoreToRank = server();
  const rankOf = (from: Process) => connectRank(from, ranks, network, random);
  const startScore = () =>
    startScoreNode({
      ...{ database, truth, bus },
      rankOf: (from) => connectRank(from, ranks, network, random, { mutations, link: scoreToRank }),
    });
  const scores = [0, 1].map(() => ({ server: server(), node: startScore() }));
  const startFanout = () => {
    const process: Process = { alive: true };
    return startFanoutNode({ process, bus, rank: rankOf(process), mutations });
  };
  const fanouts = [0, 1].map(() => ({ server: server(), node: startFanout() }));
  const viewers = Array.from({ length: VIEWERS }, (_, at) =>
    openViewer({
      ...{ name: `viewer-${at}`, time, network, random: random.fork(), slots: fanouts, write },
      player: at % 2 === 0 ? PLAYERS[at] : undefined,
    }),
  );
  const nodes = { scores, ranks, scoreToRank, fanouts, viewers };
  return { time, database, truth, index, bus, ...nodes, startScore, startRank, startFanout };
}

function startEdge({ scores }: World, network: Network, random: Random) {
  const score = connectScore({ alive: true }, scores, network, random);
  const metrics = createMetrics('edge', { runtime: false });
  const server: Server = { state: 'up', life: 1 };
  return { server, submit: createSubmit({ score, topCache: { observe: () => {} }, metrics }) };
}
