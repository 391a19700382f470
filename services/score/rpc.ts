/** The gRPC methods that accept scores. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type BoardPositionSchema, ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { ERROR_TABLE } from '../shared/errors/error-table.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc/grpc.ts';
import { isAfter, type Position } from '../shared/values/position.ts';
import { MAX_BATCH } from './accept/accept-store.ts';
import type { Answer } from './submit/answer-batch.ts';
import type { SubmitScores } from './submit/submit-scores.ts';

type PositionInit = MessageInitShape<typeof BoardPositionSchema>;

export function createScoreRpc(submitScores: SubmitScores): ServiceRegistration {
  return registerService(
    ScoreService,
    {
      async submitScore({ submission }, { caller, deadline }) {
        if (submission === undefined) throw new AppError('BATCH_SIZE_INVALID');
        const [outcome] = await submitScores.submit([submission], caller, deadline);
        if (outcome === undefined) throw new Error('a submission has no outcome');
        if (outcome instanceof AppError) throw outcome;
        const [board] = newestPositions([outcome]);
        return { accepted: toAccepted(outcome), ...(board && { board }) };
      },

      async submitScores({ submissions }, { caller, deadline }) {
        if (submissions.length < 1 || submissions.length > MAX_BATCH)
          throw new AppError('BATCH_SIZE_INVALID');
        const outcomes = await submitScores.submit(submissions, caller, deadline);
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

function toAccepted({ newScore, rank, version, replayed, changed }: Answer) {
  return { newScore, rank: BigInt(rank ?? 0), version, replayed, changed };
}

function toRefused({ kind, reason, message, retryAfterMs }: AppError) {
  return { code: ERROR_TABLE[kind].code, reason, message, retryAfterMs };
}

/** The newest position of each board. */
function newestPositions(outcomes: ReadonlyArray<Answer | AppError>): PositionInit[] {
  const newest = new Map<string, Position & { leaderboard: string }>();
  for (const outcome of outcomes) {
    if (outcome instanceof AppError || outcome.position === undefined) continue;
    const { leaderboard, position } = outcome;
    if (isAfter(position, newest.get(leaderboard))) newest.set(leaderboard, { leaderboard, ...position });
  }
  return [...newest.values()];
}
