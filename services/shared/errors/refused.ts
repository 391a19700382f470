/** A refusal inside a batch of another service, as the error that its asker gets. */
import { AppError, isReason, type Reason } from './app-error.ts';
import { generalReason, kindOfCode } from './error-table.ts';

export interface Refused {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number;
}

/** A reason that only a newer service knows is told by its kind; `unavailable` is the reason for that service being away. */
export function fromRefused({ code, reason, message, retryAfterMs }: Refused, unavailable: Reason): AppError {
  if (isReason(reason)) return new AppError(reason, { message, retryAfterMs });
  return new AppError(generalReason(kindOfCode(code), unavailable), { retryAfterMs });
}
