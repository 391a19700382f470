/** A refusal of one item in the answer of another service, as an error. */
import { AppError, isReason, type Reason } from './app-error.ts';
import { generalReason, kindOfCode } from './error-table.ts';

export interface Refused {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number;
}

/** A reason that only a newer service knows becomes one of the same kind. `unavailable` is the reason when that service is away. */
export function fromRefused({ code, reason, message, retryAfterMs }: Refused, unavailable: Reason): AppError {
  if (isReason(reason)) return new AppError(reason, { message, retryAfterMs });
  return new AppError(generalReason(kindOfCode(code), unavailable), { retryAfterMs });
}
