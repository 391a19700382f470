/** An HTTP answer before it is written: JSON, or nothing with status 204. */
import { AppError } from '../../shared/errors/app-error.ts';
import { type HttpStatus, statusLine } from '../../shared/errors/http-status.ts';
import { answerError, errorBody, type HeaderList } from '../../shared/http/error-answer.ts';

export interface Answer {
  readonly status: HttpStatus;
  /** JSON; empty for 204. */
  readonly body: string;
  readonly headers: HeaderList;
}

/** Every route takes POST, and OPTIONS for preflights. */
const ALLOW: HeaderList = [['Allow', 'POST, OPTIONS']];

const STATUS_OF_NODE_ERROR: Readonly<Record<string, HttpStatus>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

export function json(status: HttpStatus, value: object): Answer {
  return { status, body: JSON.stringify(value), headers: [] };
}

export function refusal(error: AppError): Answer {
  const { status, body, headers } = answerError(error);
  return { status, body, headers: error.reason === 'METHOD_NOT_ALLOWED' ? [...headers, ...ALLOW] : headers };
}

/** The bytes of the answer to a request that Node could not parse. `code` is that of Node's error. */
export function answerUnreadable(code: string | undefined): string {
  const body = errorBody(new AppError('REQUEST_INVALID'));
  const lines = [
    `HTTP/1.1 ${statusLine(STATUS_OF_NODE_ERROR[code ?? ''] ?? 400)}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
