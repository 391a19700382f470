/** One rank service: the product's own use cases over simulated stores. When it crashes, what it had under way is gone. */

import { createAnnounceBoards } from '../../../../services/rank/announce/announce-boards.ts';
import { createProjector, type Projector } from '../../../../services/rank/project/projector.ts';
import { createReadBoards, type ReadBoards } from '../../../../services/rank/read/read-boards.ts';
import { createReadPages } from '../../../../services/rank/read/read-pages.ts';
import { createReadStandings } from '../../../../services/rank/read/read-standings.ts';
import { createIndexKeeper } from '../../../../services/rank/rebuild/index-keeper.ts';
import { KnownIndex } from '../../../../services/rank/rebuild/known-index.ts';
import { createRankRpc } from '../../../../services/rank/rpc.ts';
import { createProjectStates } from '../../../../services/rank/states/project-states.ts';
import { createTruthBoards } from '../../../../services/rank/truth/truth-boards.ts';
import { createTruthRanks } from '../../../../services/rank/truth/truth-ranks.ts';
import { createPublisher } from '../../../../services/shared/events/publisher.ts';
import type { ServiceRegistration } from '../../../../services/shared/grpc/grpc.ts';
import { systemClock } from '../../../../services/shared/settings/clock.ts';
import { natsNames } from '../../../../services/shared/stores/names.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import type { Mutations } from '../environment/mutations.ts';
import type { Process } from '../environment/network.ts';
import type { Bus } from '../servers/bus.ts';
import type { IndexServer } from '../servers/index-model.ts';
import type { Truth } from '../servers/truth.ts';

export interface RankNode {
  readonly process: Process;
  readonly reader: ReadBoards;
  readonly handlers: ServiceRegistration['handlers'];
}

export interface RankNodeOptions {
  truth: Truth;
  index: IndexServer;
  bus: Bus;
  mutations: Mutations;
}

const log = createSilentLog();
const STREAM = { names: natsNames('scoreboard'), deployment: 'simulated', at: '' };

export function startRankNode({ truth, index, bus, mutations }: RankNodeOptions): RankNode {
  const process: Process = { alive: true };
  const metrics = createMetrics('rank', { runtime: false });
  const truthStore = truth.truthStore(process);
  const rankIndex = index.rankIndex(process);
  const truthBoards = createTruthBoards(truthStore);
  const truthRanks = createTruthRanks(truthStore);
  const publisher = createPublisher({
    stream: STREAM,
    ...{ nats: bus.connection(process), clock: systemClock, keepsStream: false },
  });
  const redis = {
    get status() {
      return index.server.state === 'up' ? ('ready' as const) : ('reconnecting' as const);
    },
  };
  const known = new KnownIndex({ log, metrics });
  const reader = createReadBoards({
    index: rankIndex,
    truth: truthStore,
    truthBoards,
    truthRanks,
    known,
    log,
  });
  const pages = createReadPages({ index: rankIndex, truthPages: truth.truthPages(process), known, log });
  const standings = createReadStandings({ index: rankIndex, truth: truthStore, truthRanks, known, log });
  const announce = createAnnounceBoards({ reader, bus: publisher, log }).current;
  const keeper = createIndexKeeper({
    epochs: truth.epochStore(process),
    index: rankIndex,
    truth: truthStore,
    redis,
    known,
    announce,
    log,
    metrics,
  });
  const honest = createProjector({ index: rankIndex, truthBoards, known, log });
  const projector: Projector = mutations.settlesEarly ? alwaysComplete(honest) : honest;
  const projectStates = createProjectStates({
    ...{ projector, truthRanks, known, keeper, log },
    reconciler: { note: () => {} },
  });
  // A first reading that fails ends the real process, whose supervisor starts it again until it succeeds.
  const start = (): Promise<void> => keeper.start().catch(start);
  void start();
  return {
    process,
    reader,
    handlers: createRankRpc({
      boards: reader,
      pages,
      standings,
      projectStates,
      deployment: STREAM.deployment,
    }).handlers,
  };
}

function alwaysComplete(projector: Projector): Projector {
  return {
    project: async (leaderboard, players, state) => ({
      ...(await projector.project(leaderboard, players, state)),
      complete: true,
    }),
  };
}
