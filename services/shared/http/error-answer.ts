/**
 * A refusal as an HTTP answer: the body {"code","reason","message"}, its status and its headers. The public and
 * operational ports of all processes answer from this table, so that a reason has one status everywhere.
 */
import type { AppError, Reason } from '../errors/app-error.ts';
import { ERROR_TABLE } from '../errors/error-table.ts';
import type { HttpStatus } from '../errors/http-status.ts';
import { RateLimitedError } from '../rate/rate-limited.ts';

export type HeaderList = ReadonlyArray<readonly [string, string]>;

export interface ErrorAnswer {
  readonly status: HttpStatus;
  /** JSON. */
  readonly body: string;
  readonly headers: HeaderList;
}

/** Reasons with a more exact HTTP status than that of their kind. */
const STATUS_OF_REASON: Partial<Record<Reason, HttpStatus>> = {
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
  POINTS_OVER_CAP: 422,
};

/** Retry-After of refusals that are worth a retry but name no time. */
const DEFAULT_RETRY_S = 1;

export function answerError(error: AppError): ErrorAnswer {
  const status = STATUS_OF_REASON[error.reason] ?? ERROR_TABLE[error.kind].httpStatus;
  const headers: [string, string][] = [];
  if (status === 401) headers.push(['WWW-Authenticate', 'Bearer']);
  if (status === 429 || status === 503) {
    const retryAfterS = Math.max(DEFAULT_RETRY_S, Math.ceil(error.retryAfterMs / 1000));
    headers.push(['Retry-After', String(retryAfterS)]);
    if (error instanceof RateLimitedError) headers.push(...error.headers(retryAfterS));
  }
  return { status, body: errorBody(error), headers };
}

export function errorBody({ kind, reason, message }: AppError): string {
  return JSON.stringify({ code: kind, reason, message });
}
