/** The gRPC method of corrections, for the service `cli`. A correction that is written reaches the boards through the outbox. */
import { CorrectionsService } from '../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { registerService, type ServiceRegistration } from '../../shared/grpc/grpc.ts';
import type { LogOperatorAction } from '../../shared/telemetry/operator-log.ts';
import type { Delivery } from '../outbox/delivery.ts';
import { type Correction, parseCorrection } from './correction.ts';
import type { Corrected, CorrectionStore } from './correction-store.ts';

/** Each failed attempt means that the same operation was carried out elsewhere meanwhile; more than a few is a fault. */
const MAX_ATTEMPTS = 5;

export interface CorrectionsRpcOptions {
  store: CorrectionStore;
  delivery: Pick<Delivery, 'wake'>;
  logAction: LogOperatorAction;
}

export function createCorrectionsRpc(options: CorrectionsRpcOptions): ServiceRegistration {
  const { store, delivery, logAction } = options;

  async function correct(correction: Correction, caller: string): Promise<Corrected> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const outcome = await store.correct(correction, caller);
      if (typeof outcome === 'string') throw new AppError(outcome);
      if (outcome !== undefined) return outcome;
    }
    throw new AppError('OVERLOADED', { retryAfterMs: 1_000 });
  }

  return registerService(
    CorrectionsService,
    {
      async correctScore(request, context) {
        const correction = parseCorrection(request);
        const { outcome, leaderboard, before, after, version } = await correct(correction, context.caller);
        const replayed = outcome === 'REPLAYED';
        if (!replayed) {
          delivery.wake();
          const { operationId, userId: player, change, reason, operator: by } = correction;
          logAction(context, 'score corrected', {
            ...{ operationId, player, leaderboard, ...change, reason, by },
            ...{ before: before ?? null, after: after ?? null },
          });
        }
        return {
          ...{ leaderboard, version, replayed },
          ...(before !== undefined && { scoreBefore: before }),
          ...(after !== undefined && { scoreAfter: after }),
        };
      },
    },
    { correctScore: ['cli'] },
  );
}
