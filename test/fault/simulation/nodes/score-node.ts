/** One score service: the product's own use cases over simulated stores. When it crashes, what it had under way is gone. */

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type CorrectScoreRequest,
  type CorrectScoreResponse,
  CorrectScoreResponseSchema,
} from '../../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { createRankBoards } from '../../../../services/score/boards/rank-boards.ts';
import { createRankWatch } from '../../../../services/score/boards/rank-watch.ts';
import { createCorrectionsRpc } from '../../../../services/score/corrections/corrections-rpc.ts';
import { acceptLimited } from '../../../../services/score/limits/accept-limited.ts';
import { createDelivery } from '../../../../services/score/outbox/delivery.ts';
import { createSubmitScores, type SubmitScores } from '../../../../services/score/submit/submit-scores.ts';
import { createPublisher } from '../../../../services/shared/events/publisher.ts';
import { systemClock } from '../../../../services/shared/settings/clock.ts';
import { natsNames } from '../../../../services/shared/stores/names.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { boardsOf } from '../../../support/doubles/boards-of.ts';
import type { Process } from '../environment/network.ts';
import type { Bus } from '../servers/bus.ts';
import type { Database } from '../servers/database.ts';
import type { Truth } from '../servers/truth.ts';
import type { RankCalls } from './rank-calls.ts';

export interface ScoreNode {
  readonly process: Process;
  readonly submitScores: SubmitScores;
  readonly correct: (request: CorrectScoreRequest) => Promise<CorrectScoreResponse>;
}

export interface ScoreNodeOptions {
  database: Database;
  truth: Truth;
  bus: Bus;
  rankOf: (from: Process) => RankCalls;
}

const log = createSilentLog();
const STREAM = { names: natsNames('scoreboard'), deployment: 'simulated', at: '' };

export function startScoreNode({ database, truth, bus, rankOf }: ScoreNodeOptions): ScoreNode {
  const process: Process = { alive: true };
  const metrics = createMetrics('score', { runtime: false });
  const publisher = createPublisher({
    stream: STREAM,
    ...{ nats: bus.connection(process), clock: systemClock, keepsStream: true },
  });
  const rank = rankOf(process);
  const watch = createRankWatch({ rank, log, metrics });
  const boards = createRankBoards({ stream: rank, calls: rank, watch, waitMs: 250, log });
  const outbox = database.outboxStore(process);
  const { states: readStates } = truth.truthStore(process);
  const delivery = createDelivery({
    ...{ outbox, sweeps: { hasDueRows: async () => true, everyMs: 1_000 } },
    ...{ readStates, boards, publisher, log, metrics },
  });
  const submitScores = createSubmitScores({
    store: database.acceptStore(process),
    skipLocked: (accept) => accept,
    catalog: boardsOf(),
    limits: {
      lane: {
        isEmpty: () => true,
        concerns: () => false,
        accept: (actions, deadline) => acceptLimited(database.limitedStore(process), actions, deadline),
      },
      flags: { noteAnswers: () => {}, noteAccepted: () => {} },
    },
    breaker: { refusal: () => undefined, run: (call) => call() },
    outbox: { isFull: () => false },
    rejected: { note: () => {} },
    isDeniedName: () => false,
    verifier: { verifyAll: async (actions) => actions.map(() => 'k1'), close: async () => {} },
    ...{ boards, delivery, log, metrics },
  });
  const { handlers } = createCorrectionsRpc({
    store: database.correctionStore(process),
    ...{ delivery, logAction: () => {} },
  });
  const correct = async (request: CorrectScoreRequest) => {
    const answer = await handlers.correctScore?.(request as never, { caller: 'cli' } as never);
    return create(CorrectScoreResponseSchema, answer as MessageInitShape<typeof CorrectScoreResponseSchema>);
  };
  void watch.start().then(() => delivery.start());
  return { process, submitScores, correct };
}
