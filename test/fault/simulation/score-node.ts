/** One score service: the product's own use cases over simulated stores. When it crashes, what it had under way is gone. */
import { acceptLimited } from '../../../services/score/accept-limited.ts';
import { createDelivery } from '../../../services/score/delivery.ts';
import { createIndexKeeper } from '../../../services/score/index-keeper.ts';
import { createProjector, type Projector } from '../../../services/score/projector.ts';
import { createPublisher } from '../../../services/score/publisher.ts';
import { createReadBoards, type ReadBoards } from '../../../services/score/read-boards.ts';
import { createSubmitScores, type SubmitScores } from '../../../services/score/submit-scores.ts';
import { createTruthBoards } from '../../../services/score/truth-boards.ts';
import { createTruthRanks } from '../../../services/score/truth-ranks.ts';
import { systemClock } from '../../../services/shared/clock.ts';
import { createSilentLog } from '../../../services/shared/log.ts';
import { createMetrics } from '../../../services/shared/metrics.ts';
import type { Bus } from './bus.ts';
import type { Database } from './database.ts';
import type { IndexServer } from './index-model.ts';
import type { Mutations } from './mutations.ts';
import type { Process } from './network.ts';
import type { Truth } from './truth.ts';

export interface ScoreNode {
  readonly process: Process;
  readonly submitScores: SubmitScores;
  readonly reader: ReadBoards;
}

export interface ScoreNodeOptions {
  database: Database;
  truth: Truth;
  index: IndexServer;
  bus: Bus;
  mutations: Mutations;
}

const log = createSilentLog();

export function startScoreNode({ database, truth, index, bus, mutations }: ScoreNodeOptions): ScoreNode {
  const process: Process = { alive: true };
  const metrics = createMetrics('score', { runtime: false });
  const truthStore = truth.truthStore(process);
  const rankIndex = index.rankIndex(process);
  const truthBoards = createTruthBoards(truthStore);
  const truthRanks = createTruthRanks(truthStore);
  const publisher = createPublisher({ nats: bus.connection(process), clock: systemClock });
  const redis = {
    get status() {
      return index.server.state === 'up' ? ('ready' as const) : ('reconnecting' as const);
    },
  };
  const announce = async (leaderboard: string) => {
    const { board, stale } = await reader.top(leaderboard, 10);
    if (stale || !publisher.ready()) return;
    const announcement = { leaderboard, players: [], ranks: [], board, position: board, complete: true };
    await publisher.publish(`e${board.epoch}`, announcement);
  };
  const epochs = truth.epochStore(process);
  const keeper = createIndexKeeper({
    epochs,
    index: rankIndex,
    truth: truthStore,
    redis,
    announce,
    log,
    metrics,
  });
  const honest = createProjector({ index: rankIndex, truthBoards, keeper, log });
  const projector: Projector = mutations.settlesEarly ? alwaysComplete(honest) : honest;
  const reader = createReadBoards({
    index: rankIndex,
    truth: truthStore,
    truthBoards,
    truthRanks,
    keeper,
    log,
  });
  const outbox = database.outboxStore(process);
  const delivery = createDelivery({ outbox, truth: truthStore, projector, publisher, keeper, log, metrics });
  const submitScores = createSubmitScores({
    store: database.acceptStore(process),
    limited: {
      isEmpty: () => true,
      concerns: () => false,
      accept: (commands, deadline) => acceptLimited(database.limitedStore(process), commands, deadline),
    },
    verifier: { verifyAll: async (actions) => actions.map(() => 'k1'), close: async () => {} },
    projector,
    delivery,
    keeper,
    reader,
    log,
    metrics,
  });
  // A first reading that fails ends the real process, whose supervisor starts it again until it succeeds.
  const start = (): Promise<void> => keeper.start().then(() => delivery.start(), start);
  void start();
  return { process, submitScores, reader };
}

function alwaysComplete(projector: Projector): Projector {
  return {
    project: async (players, state) =>
      (await projector.project(players, state)).map((board) => ({ ...board, complete: true })),
  };
}
