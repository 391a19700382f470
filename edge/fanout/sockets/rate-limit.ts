/**
 * A token bucket in one number (GCRA): the time at which the bucket will be full again. One small integer per socket
 * instead of a bucket object, and nothing to refill.
 */

export interface RateLimit {
  /** Milliseconds one event costs. */
  readonly intervalMs: number;
  /** Events that may come at once. */
  readonly burst: number;
}

/** The new "full again" time when one more event at `nowMs` is within the limit, else undefined. */
export function spend(limit: RateLimit, fullAtMs: number, nowMs: number): number | undefined {
  const next = Math.max(fullAtMs, nowMs) + limit.intervalMs;
  return next - nowMs > limit.intervalMs * limit.burst ? undefined : next;
}
