/** The one error shape of everything public: {"code","reason","message"} with the matching HTTP status. */
import type { AppError, Reason } from '../../../services/shared/errors/app-error.ts';
import { ERROR_TABLE } from '../../../services/shared/errors/error-table.ts';
import type { HttpStatus } from '../../../services/shared/errors/http-status.ts';
import { RateLimitedError } from '../../../services/shared/rate/rate-limited.ts';

export interface DescribedError {
  readonly status: HttpStatus;
  readonly body: string;
  readonly headers: ReadonlyArray<readonly [string, string]>;
}

/** Reasons for which HTTP has a status of its own, more exact than that of their kind. */
const STATUS_OF_REASON: Partial<Record<Reason, HttpStatus>> = {
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
  POINTS_OVER_CAP: 422,
};

/** Waiting helps with these even when nobody said how long. */
const DEFAULT_RETRY_S = 1;

export function statusOf(error: AppError): HttpStatus {
  return STATUS_OF_REASON[error.reason] ?? ERROR_TABLE[error.kind].httpStatus;
}

export function describeError(error: AppError): DescribedError {
  const status = statusOf(error);
  const headers: [string, string][] = [];
  if (status === 401) headers.push(['WWW-Authenticate', 'Bearer']);
  if (status === 429 || status === 503) {
    const retryAfterS = Math.max(DEFAULT_RETRY_S, Math.ceil(error.retryAfterMs / 1000));
    headers.push(['Retry-After', String(retryAfterS)]);
    if (error instanceof RateLimitedError) headers.push(...error.headers(retryAfterS));
  }
  return {
    status,
    body: JSON.stringify({ code: error.kind, reason: error.reason, message: error.message }),
    headers,
  };
}
