/** A refusal inside a batch of the score service, as the error that its asker gets. */
import type { Refused } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, isReason } from '../../services/shared/app-error.ts';
import { generalReason, kindOfCode } from '../../services/shared/error-table.ts';

/** A reason that only a newer score service knows is told by its kind. */
export function fromRefused({ code, reason, message, retryAfterMs }: Refused): AppError {
  if (isReason(reason)) return new AppError(reason, { message, retryAfterMs });
  return new AppError(generalReason(kindOfCode(code), 'SCORE_UNAVAILABLE'), { retryAfterMs });
}
