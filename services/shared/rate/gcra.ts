/**
 * The generic cell rate algorithm: an exact sliding limit with one number per key, the time at which the key is at rest again. It
 * allows `burst` requests at once and `perSecond` in the long run, without windows whose edges could be exploited.
 */

export interface Rate {
  /** Sustained requests a second. */
  readonly perSecond: number;
  /** Requests that may come at once after a rest. */
  readonly burst: number;
}

/** Tolerance for rounding: a caller who waited for the given time is never refused as too early. */
const ROUNDING_MS = 1e-6;

/** The time of rest of a key after one more request. `restAtMs` is its time of rest before it. */
export function restAfter({ perSecond }: Rate, restAtMs: number, nowMs: number): number {
  return Math.max(restAtMs, nowMs) + 1000 / perSecond;
}

/** Milliseconds until a request conforms that would move its key's time of rest to `restAtMs`; 0 if it conforms now. */
export function waitMs({ perSecond, burst }: Rate, restAtMs: number, nowMs: number): number {
  const tooEarlyMs = restAtMs - burst * (1000 / perSecond) - nowMs;
  return tooEarlyMs > ROUNDING_MS ? Math.ceil(tooEarlyMs) : 0;
}

/** Keys that a process keeps. Beyond that the least recently used key is dropped and is at rest again. */
const MAX_KEYS = 100_000;

export interface LocalLimiter {
  /** Milliseconds to wait; 0 lets the request through. A refused request costs nothing. */
  spend(key: string, rate: Rate): number;
}

export function createLocalLimiter(
  monotonicMs: () => number,
  { maxKeys = MAX_KEYS }: { maxKeys?: number } = {},
): LocalLimiter {
  const restAt = new Map<string, number>();
  return {
    spend(key, rate) {
      const now = monotonicMs();
      const next = restAfter(rate, restAt.get(key) ?? now, now);
      const wait = waitMs(rate, next, now);
      if (wait > 0) return wait;
      // Deleted first, so that the map's order is that of use.
      restAt.delete(key);
      restAt.set(key, next);
      if (restAt.size > maxKeys) {
        const [oldest = key] = restAt.keys();
        restAt.delete(oldest);
      }
      return 0;
    },
  };
}
