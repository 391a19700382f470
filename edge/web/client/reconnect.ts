/**
 * Decides whether to reconnect after a close, and when. Pure: randomness and the number of failed attempts are arguments.
 * The delay is drawn evenly from the whole window (full jitter), so that viewers who lost one node do not return at once.
 */

/** Shortest wait: about the time that a node needs to restart. */
export const BACKOFF_MIN_MS = 250;
/** Longest wait: a viewer sees an old board at most this long after the node is back. */
export const BACKOFF_MAX_MS = 10_000;
/** Longest wait that a server may request. */
export const RETRY_HINT_MAX_MS = 60_000;
/** A server's hint is extended by up to this share, because all its viewers get the same hint. */
const RETRY_HINT_SPREAD = 0.25;

/** Codes of this range mean that the same connection would be refused again. */
const CLOSE_REFUSED_FIRST = 4400;
const CLOSE_REFUSED_LAST = 4499;
/** The token was refused, has expired or is too long: reconnect with another one. */
const TOKEN_REASONS: ReadonlyMap<number, string> = new Map([
  [4401, 'TOKEN_INVALID'],
  [4413, 'TOKEN_TOO_LARGE'],
]);
const FINAL_REASONS: ReadonlyMap<number, string> = new Map([
  [4400, 'MESSAGE_INVALID'],
  [4403, 'ORIGIN_NOT_ALLOWED'],
  [4404, 'ROUTE_NOT_FOUND'],
]);
const OTHER_REASON = 'CONNECTION_REFUSED';

/** What was refused: a stable reason for code, and a sentence for a person. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

export type AfterClose =
  | { readonly next: 'retry'; readonly delayMs: number; readonly tokenRefusal: Refusal | undefined }
  | { readonly next: 'stop'; readonly refusal: Refusal };

export interface Close {
  readonly code: number;
  /** Free text, or `{"reason"?, "retryMs"?}`. */
  readonly reason: string;
}

/** `attempt` is 0 for the first try after a connection that worked. */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (attempt + 1));
  return Math.round(BACKOFF_MIN_MS + random() * (ceiling - BACKOFF_MIN_MS));
}

interface CloseReason {
  readonly text: string;
  readonly retryMs: number | undefined;
}

function parseCloseReason(reason: string): CloseReason {
  try {
    const fields: unknown = JSON.parse(reason);
    if (typeof fields !== 'object' || fields === null) return { text: reason, retryMs: undefined };
    const { retryMs, reason: text } = fields as Record<string, unknown>;
    const usable = typeof retryMs === 'number' && retryMs >= 0;
    return {
      text: typeof text === 'string' ? text : '',
      retryMs: usable ? Math.min(retryMs, RETRY_HINT_MAX_MS) : undefined,
    };
  } catch {
    return { text: reason, retryMs: undefined };
  }
}

export function afterClose({ code, reason }: Close, attempt: number, random: () => number): AfterClose {
  const { text, retryMs } = parseCloseReason(reason);
  const message = text || `The server refused the connection (${code}).`;
  const tokenReason = TOKEN_REASONS.get(code);
  const tokenRefusal = tokenReason === undefined ? undefined : { reason: tokenReason, message };
  if (code >= CLOSE_REFUSED_FIRST && code <= CLOSE_REFUSED_LAST && tokenRefusal === undefined) {
    return { next: 'stop', refusal: { reason: FINAL_REASONS.get(code) ?? OTHER_REASON, message } };
  }
  const spread = 1 + RETRY_HINT_SPREAD * random();
  const delayMs = retryMs === undefined ? backoffMs(attempt, random) : Math.round(retryMs * spread);
  return { next: 'retry', delayMs, tokenRefusal };
}
