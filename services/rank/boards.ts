/** Wires everything that keeps, compares and reads boards. */
import { randomUUID } from 'node:crypto';
import type { Log } from '../shared/telemetry/log.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../shared/telemetry/repeated-log.ts';
import { type Projected, TOP_SIZE } from '../shared/values/board.ts';
import { createIndexContents } from './index/index-contents.ts';
import { createRankIndex } from './index/rank-index.ts';
import { createProjector } from './project/projector.ts';
import { createReadBoards } from './read/read-boards.ts';
import { createEpochStore } from './rebuild/epoch-store.ts';
import { createIndexKeeper } from './rebuild/index-keeper.ts';
import { createCompareAll } from './reconcile/compare-all.ts';
import { createCompareIndex } from './reconcile/compare-index.ts';
import { createReconciler } from './reconcile/reconcile.ts';
import { createRepairIndex } from './reconcile/repair-index.ts';
import type { Servers } from './servers.ts';
import { createProjectStates } from './states/project-states.ts';
import { createTruthBoards } from './truth/truth-boards.ts';
import { createTruthRanks } from './truth/truth-ranks.ts';
import { createTruthStore } from './truth/truth-store.ts';

export interface BoardsOptions {
  servers: Servers;
  log: Log;
  metrics: Metrics;
}

export function createBoards({ servers, log, metrics }: BoardsOptions) {
  const { readPool, upkeepPool, redis, bus } = servers;
  const truth = createTruthStore(upkeepPool);
  const readersTruth = createTruthStore(readPool);
  const truthBoards = createTruthBoards(readersTruth);
  const truthRanks = createTruthRanks(readersTruth);
  const index = createRankIndex(redis);
  const contents = createIndexContents(redis);
  const keeper = createIndexKeeper({
    ...{ epochs: createEpochStore(upkeepPool), index, truth, redis, log, metrics },
    announce: announceBoard,
  });
  const projector = createProjector({ index, truthBoards, keeper, log });
  const reader = createReadBoards({ index, truth: readersTruth, truthBoards, truthRanks, keeper, log });
  const compare = createCompareIndex({ contents, truth });
  const repair = createRepairIndex({
    ...{ compare, contents, truth, projector, keeper, log, metrics },
    announce: announceRepair,
  });
  const reconciler = createReconciler({ compare, contents, truth, repair, keeper, log, metrics });

  /** After an epoch took over, so that viewers hold a board that later events can be compared with. */
  async function announceBoard(leaderboard: string): Promise<void> {
    const { board, stale } = await reader.top(leaderboard, TOP_SIZE);
    if (stale || !bus.ready()) return;
    const announcement = { leaderboard, players: [], ranks: [], board, position: board, complete: true };
    await bus.publish(`e${board.epoch}`, announcement);
  }

  const warn = createRepeatedWarning(log, 'a repaired board was not announced');

  /** A board that a repair changed. Who misses the event polls it. */
  async function announceRepair(projected: Projected): Promise<void> {
    if (projected.board === undefined || !bus.ready()) return;
    await bus.publish(`r${randomUUID()}`, projected).catch((error: unknown) => {
      warn({ err: error });
    });
  }

  return {
    ...{ keeper, reader, reconciler },
    projectStates: createProjectStates({ projector, truthRanks, keeper, reconciler, log }),
    compareAll: createCompareAll({ compare, contents, truth, keeper }),
  };
}
