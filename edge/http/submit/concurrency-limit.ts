/**
 * Limits how many submissions are under way at once, by how long the answered ones took. Submissions beyond the number that
 * can be answered within the target would only wait, so they are refused at once. The limit grows only while it refuses
 * submissions. Each change waits until the previous one shows in the answers; otherwise the limit would oscillate.
 */

export interface ConcurrencyLimitOptions {
  /** Longest time that a submission should take, from its arrival in the queue to its answer. */
  readonly targetMs: number;
  /** The limit never falls below this, so that quick answers can still be observed. */
  readonly min: number;
  /** The limit at the start, and the most that may ever be under way. */
  readonly max: number;
  readonly monotonicMs?: () => number;
}

export type ConcurrencyLimit = ReturnType<typeof createConcurrencyLimit>;

/** Most that one slow batch, for example during a checkpoint, may cut the limit. */
const MAX_CUT = 0.5;
/** The limit grows from its minimum to its maximum in about thirty answer times. */
const GROWTH = 1 / 8;

export function createConcurrencyLimit(options: ConcurrencyLimitOptions) {
  const { targetMs, min, max, monotonicMs = () => performance.now() } = options;
  let limit = max;
  let hasRefused = false;
  let lastChangeMs = Number.NEGATIVE_INFINITY;
  return {
    /** The most submissions that may be under way now. */
    most: () => limit,
    /** Whether one more submission may join those under way. After a refusal the limit may grow. */
    admits(underWay: number): boolean {
      if (underWay < limit) return true;
      hasRefused = true;
      return false;
    },
    /** A batch was answered, or failed. `enteredMs` is when its oldest submission entered the queue, on the monotonic clock. */
    onAnswered(enteredMs: number): void {
      // A submission from before the last change says nothing about the present limit.
      if (enteredMs < lastChangeMs) return;
      const now = monotonicMs();
      const tookMs = now - enteredMs;
      if (tookMs > targetMs) limit = Math.max(min, Math.floor(limit * Math.max(MAX_CUT, targetMs / tookMs)));
      else if (hasRefused) limit = Math.min(max, limit + Math.ceil(limit * GROWTH));
      else return;
      hasRefused = false;
      lastChangeMs = now;
    },
  };
}
