/** One rank service: the product's own use cases over simulated stores. When it crashes, what it had under way is gone. */

import { createProjector, type Projector } from '../../../services/rank/project/projector.ts';
import { createReadBoards, type ReadBoards } from '../../../services/rank/read/read-boards.ts';
import { createIndexKeeper } from '../../../services/rank/rebuild/index-keeper.ts';
import { createRankRpc } from '../../../services/rank/rpc.ts';
import { createProjectStates } from '../../../services/rank/states/project-states.ts';
import { createTruthBoards } from '../../../services/rank/truth/truth-boards.ts';
import { createTruthRanks } from '../../../services/rank/truth/truth-ranks.ts';
import { createPublisher } from '../../../services/shared/events/publisher.ts';
import type { ServiceRegistration } from '../../../services/shared/grpc/grpc.ts';
import { systemClock } from '../../../services/shared/settings/clock.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import type { Bus } from './bus.ts';
import type { IndexServer } from './index-model.ts';
import type { Mutations } from './mutations.ts';
import type { Process } from './network.ts';
import type { Truth } from './truth.ts';

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

export function startRankNode({ truth, index, bus, mutations }: RankNodeOptions): RankNode {
  const process: Process = { alive: true };
  const metrics = createMetrics('rank', { runtime: false });
  const truthStore = truth.truthStore(process);
  const rankIndex = index.rankIndex(process);
  const truthBoards = createTruthBoards(truthStore);
  const truthRanks = createTruthRanks(truthStore);
  const publisher = createPublisher({
    ...{ nats: bus.connection(process), clock: systemClock, keepsStream: false },
  });
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
  const keeper = createIndexKeeper({
    epochs: truth.epochStore(process),
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
  const projectStates = createProjectStates({
    ...{ projector, truthRanks, keeper, log },
    reconciler: { note: () => {} },
  });
  // A first reading that fails ends the real process, whose supervisor starts it again until it succeeds.
  const start = (): Promise<void> => keeper.start().catch(start);
  void start();
  return { process, reader, handlers: createRankRpc(reader, projectStates).handlers };
}

function alwaysComplete(projector: Projector): Projector {
  return {
    project: async (leaderboard, players, state) => ({
      ...(await projector.project(leaderboard, players, state)),
      complete: true,
    }),
  };
}
