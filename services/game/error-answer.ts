/** A refusal as an HTTP answer: {"code","reason","message"} with the status that belongs to it. */
import type { AppError, Reason } from '../shared/app-error.ts';
import { ERROR_TABLE } from '../shared/error-table.ts';
import type { Answer } from './http-server.ts';

/** Reasons for which HTTP has a status of its own, more exact than that of their kind. */
const STATUS_OF_REASON: Partial<Record<Reason, number>> = {
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
};
/** Waiting helps with these even when nobody said how long. */
const LEAST_RETRY_S = 1;

export function answerError({ kind, reason, message, retryAfterMs }: AppError): Answer {
  const status = STATUS_OF_REASON[reason] ?? ERROR_TABLE[kind].httpStatus;
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 405) headers.allow = 'POST, OPTIONS';
  if (status === 429 || status === 503) {
    headers['retry-after'] = String(Math.max(LEAST_RETRY_S, Math.ceil(retryAfterMs / 1000)));
  }
  return { status, body: { code: kind, reason, message }, headers };
}
