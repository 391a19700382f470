/** The gRPC face of the score service: each handler says who, what, do, answer. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import { type BoardPositionSchema, ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { ERROR_TABLE } from '../shared/errors/error-table.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc/grpc.ts';
import { MAX_BATCH } from './submit/accept-store.ts';
import type { Answer, SubmitScores } from './submit/submit-scores.ts';

type PositionInit = MessageInitShape<typeof BoardPositionSchema>;

export function createScoreRpc(submitScores: SubmitScores): ServiceRegistration {
  return registerService(
    ScoreService,
    {
      async submitScore({ submission }, { caller, remainingMs }) {
        if (submission === undefined) throw new AppError('BATCH_SIZE_INVALID');
        const [outcome] = await submitScores.submit([submission], caller, remainingMs);
        if (outcome === undefined) throw new Error('a submission was not answered');
        if (outcome instanceof AppError) throw outcome;
        const [board] = newestPositions([outcome]);
        return { accepted: toAccepted(outcome), ...(board && { board }) };
      },

      async submitScores({ submissions }, { caller, remainingMs }) {
        if (submissions.length < 1 || submissions.length > MAX_BATCH)
          throw new AppError('BATCH_SIZE_INVALID');
        const outcomes = await submitScores.submit(submissions, caller, remainingMs);
        return {
          outcomes: outcomes.map((outcome) => ({
            result:
              outcome instanceof AppError
                ? { case: 'refused' as const, value: toRefused(outcome) }
                : { case: 'accepted' as const, value: toAccepted(outcome) },
          })),
          boards: newestPositions(outcomes),
        };
      },
    },
    {
      submitScore: ['edge', 'game', 'cli'],
      submitScores: ['edge', 'game', 'cli'],
    },
  );
}

function toAccepted({ newScore, rank, version, replayed }: Answer) {
  return { newScore, rank: BigInt(rank), version, replayed };
}

function toRefused({ kind, reason, message, retryAfterMs }: AppError) {
  return { code: ERROR_TABLE[kind].code, reason, message, retryAfterMs };
}

/** Compared as (epoch, seq), one per board. */
function newestPositions(outcomes: ReadonlyArray<Answer | AppError>): PositionInit[] {
  const newest = new Map<string, { leaderboard: string; epoch: bigint; seq: bigint }>();
  for (const outcome of outcomes) {
    if (outcome instanceof AppError || outcome.position === undefined) continue;
    const { leaderboard, position } = outcome;
    const known = newest.get(leaderboard);
    const isNewer =
      known === undefined ||
      position.epoch > known.epoch ||
      (position.epoch === known.epoch && position.seq > known.seq);
    if (isNewer) newest.set(leaderboard, { leaderboard, epoch: position.epoch, seq: position.seq });
  }
  return [...newest.values()];
}
