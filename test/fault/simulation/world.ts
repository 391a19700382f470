/**
 * The parts of the simulated scoreboard: two score services, two rank services, two fan-out nodes, viewers, Postgres, Redis
 * and the bus, joined by a network that a seed decides about.
 */
import type { Random } from '../../support/random.ts';
import type { SocketEvent } from '../record/record.ts';
import { type FanoutSlot, openViewer, type Viewer } from './clients/viewer.ts';
import type { Mutations } from './environment/mutations.ts';
import type { Network, Process, Server } from './environment/network.ts';
import type { VirtualTime } from './environment/virtual-time.ts';
import { type FanoutNode, startFanoutNode } from './nodes/fanout-node.ts';
import { connectRank, type RankSlot } from './nodes/rank-calls.ts';
import { type RankNode, startRankNode } from './nodes/rank-node.ts';
import type { ScoreSlot } from './nodes/score-calls.ts';
import { type ScoreNode, startScoreNode } from './nodes/score-node.ts';
import { type Bus, createBus } from './servers/bus.ts';
import { createDatabase, type Database } from './servers/database.ts';
import { IndexServer } from './servers/index-model.ts';
import { createTruth, type Truth } from './servers/truth.ts';

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

export const PLAYERS = ['ada', 'bob', 'cy', 'dan', 'eve', 'flo', 'gus', 'hal', 'ivy', 'jo', 'kit', 'lea'];
const VIEWERS = 4;

export function buildWorld(options: {
  time: VirtualTime;
  random: Random;
  network: Network;
  mutations: Mutations;
  write: (event: SocketEvent) => void;
}): World {
  const { time, random, network, mutations, write } = options;
  const database = createDatabase({ time, network, random: random.fork(), mutations });
  const truth = createTruth(database, time);
  const index = new IndexServer(network, mutations);
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
