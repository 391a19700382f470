/** Wires the use cases that keep, compare and read boards. */
import type { Log } from '../shared/telemetry/log.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import { createAnnounceBoards } from './announce/announce-boards.ts';
import { IndexDamage } from './index/damage.ts';
import { createIndexContents } from './index/index-contents.ts';
import { createRankIndex } from './index/rank-index.ts';
import { createProjector } from './project/projector.ts';
import { createReadBoards } from './read/read-boards.ts';
import { createReadPages } from './read/read-pages.ts';
import { createReadStandings } from './read/read-standings.ts';
import { createEpochStore } from './rebuild/epoch-store.ts';
import { createIndexKeeper } from './rebuild/index-keeper.ts';
import { KnownIndex } from './rebuild/known-index.ts';
import { createCompareAll } from './reconcile/compare-all.ts';
import { createCompareIndex } from './reconcile/compare-index.ts';
import { createReconciler } from './reconcile/reconcile.ts';
import { createRepairIndex } from './reconcile/repair-index.ts';
import type { Servers } from './servers.ts';
import { createProjectStates } from './states/project-states.ts';
import { createTruthBoards } from './truth/truth-boards.ts';
import { createTruthPages } from './truth/truth-pages.ts';
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
  const { keys } = servers.place;
  const damage = new IndexDamage();
  const index = createRankIndex(redis, damage, servers.place);
  const contents = createIndexContents(redis, damage, keys);
  const known = new KnownIndex({ log, metrics });
  const reader = createReadBoards({ index, truth: readersTruth, truthBoards, truthRanks, known, log });
  const truthPages = createTruthPages(readPool);
  const announce = createAnnounceBoards({ reader, bus, log });
  const keeper = createIndexKeeper({
    ...{ epochs: createEpochStore(upkeepPool), index, truth, redis, known, log, metrics },
    announce: announce.current,
  });
  const projector = createProjector({ index, truthBoards, known, log });
  const compare = createCompareIndex({ contents, truth });
  const repair = createRepairIndex({
    ...{ compare, contents, truth, projector, known, log, metrics },
    announce: announce.repaired,
  });
  const reconciler = createReconciler({
    ...{ compare, contents, truth, repair, known, log, metrics },
    announce: announce.current,
  });
  return {
    ...{ known, keeper, reader, reconciler },
    pages: createReadPages({ index, truthPages, known, log }),
    standings: createReadStandings({ index, truth: readersTruth, truthRanks, known, log }),
    projectStates: createProjectStates({ projector, truthRanks, known, keeper, reconciler, log }),
    compareAll: createCompareAll({ compare, contents, truth, known }),
  };
}
