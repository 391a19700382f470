/** One score service: the product's own use cases over simulated stores. When it crashes, what it had under way is gone. */

import { createRankBoards } from '../../../services/score/boards/rank-boards.ts';
import { createRankWatch } from '../../../services/score/boards/rank-watch.ts';
import { acceptLimited } from '../../../services/score/limits/accept-limited.ts';
import { createDelivery } from '../../../services/score/outbox/delivery.ts';
import { createSubmitScores, type SubmitScores } from '../../../services/score/submit/submit-scores.ts';
import { createPublisher } from '../../../services/shared/events/publisher.ts';
import { systemClock } from '../../../services/shared/settings/clock.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import type { Bus } from './bus.ts';
import type { Database } from './database.ts';
import type { Process } from './network.ts';
import type { connectRank } from './rpc.ts';
import type { Truth } from './truth.ts';

export interface ScoreNode {
  readonly process: Process;
  readonly submitScores: SubmitScores;
}

export interface ScoreNodeOptions {
  database: Database;
  truth: Truth;
  bus: Bus;
  rankOf: (from: Process) => ReturnType<typeof connectRank>;
}

const log = createSilentLog();

export function startScoreNode({ database, truth, bus, rankOf }: ScoreNodeOptions): ScoreNode {
  const process: Process = { alive: true };
  const metrics = createMetrics('score', { runtime: false });
  const publisher = createPublisher({
    ...{ nats: bus.connection(process), clock: systemClock, keepsStream: true },
  });
  const rank = rankOf(process);
  const watch = createRankWatch({ rank, onBack: () => delivery.wake(), log, metrics });
  const boards = createRankBoards({ stream: rank, calls: rank, watch, log });
  const outbox = database.outboxStore(process);
  const { states: readStates } = truth.truthStore(process);
  const delivery = createDelivery({ outbox, readStates, boards, publisher, log, metrics });
  const submitScores = createSubmitScores({
    store: database.acceptStore(process),
    limited: {
      isEmpty: () => true,
      concerns: () => false,
      accept: (commands, deadline) => acceptLimited(database.limitedStore(process), commands, deadline),
    },
    verifier: { verifyAll: async (actions) => actions.map(() => 'k1'), close: async () => {} },
    ...{ boards, delivery, log, metrics },
  });
  void watch.start().then(() => delivery.start());
  return { process, submitScores };
}
