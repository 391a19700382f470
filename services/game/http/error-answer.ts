/** A refusal as an HTTP answer: {"code","reason","message"} with the status that belongs to it. */
import { AppError, type Reason } from '../../shared/errors/app-error.ts';
import { ERROR_TABLE } from '../../shared/errors/error-table.ts';
import { type HttpStatus, statusLine } from '../../shared/errors/http-status.ts';
import type { Answer } from './http-server.ts';

/** Reasons for which HTTP has a status of its own, more exact than that of their kind. */
const STATUS_OF_REASON: Partial<Record<Reason, HttpStatus>> = {
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
};
const STATUS_OF_NODE_ERROR: Readonly<Record<string, HttpStatus>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
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

/** The whole answer, as text, to what Node could not read as a request. `code` is that of Node's error. */
export function answerUnreadable(code: string | undefined): string {
  const { kind, reason, message } = new AppError('REQUEST_INVALID');
  const body = JSON.stringify({ code: kind, reason, message });
  const lines = [
    `HTTP/1.1 ${statusLine(STATUS_OF_NODE_ERROR[code ?? ''] ?? 400)}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
