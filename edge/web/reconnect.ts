/**
 * When to come back, and whether to. Pure: chance and the number of failed attempts are given. The delay is drawn evenly
 * from the whole window (full jitter), so that a crowd that lost one node does not return as one wave.
 */

/** Shortest wait: a node that restarts needs about this long. */
export const BACKOFF_MIN_MS = 250;
/** Longest wait: a viewer should not look at an old board for longer once the node is back. */
export const BACKOFF_MAX_MS = 10_000;
/** Longest wait that a server may ask for. */
export const RETRY_HINT_MAX_MS = 60_000;
/** A server's hint is spread by up to this share, in case it told everybody the same. */
const RETRY_HINT_SPREAD = 0.25;

/** The token was refused or has run out: come back with a new one. */
export const CLOSE_TOKEN_REFUSED = 4401;
/** From here to the end of the range the server says: not like this, the same will be refused again. */
const CLOSE_REFUSED_FIRST = 4400;
const CLOSE_REFUSED_LAST = 4499;

export type AfterClose =
  | { readonly next: 'retry'; readonly delayMs: number; readonly tokenRefused: boolean }
  | { readonly next: 'stop'; readonly reason: string };

export interface Close {
  readonly code: number;
  /** As sent: free text or `{"reason"?, "retryMs"?}`. */
  readonly reason: string;
}

/** `attempt` is 0 for the first try after a connection that had been good. */
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

export function afterClose(close: Close, attempt: number, random: () => number): AfterClose {
  const { text, retryMs } = parseCloseReason(close.reason);
  const tokenRefused = close.code === CLOSE_TOKEN_REFUSED;
  const refused = close.code >= CLOSE_REFUSED_FIRST && close.code <= CLOSE_REFUSED_LAST;
  if (refused && !tokenRefused) {
    return { next: 'stop', reason: text || `The server refused the connection (${close.code}).` };
  }
  if (retryMs === undefined) return { next: 'retry', delayMs: backoffMs(attempt, random), tokenRefused };
  const spread = 1 + RETRY_HINT_SPREAD * random();
  return { next: 'retry', delayMs: Math.round(retryMs * spread), tokenRefused };
}
