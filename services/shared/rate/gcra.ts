/**
 * The generic cell rate algorithm: an exact sliding limit that keeps one number a key, the time at which the key would
 * be back at rest. Never more than `burst` at once and `perSecond` in the long run, with no window edges to exploit.
 */

export interface Rate {
  /** Sustained requests a second. */
  readonly perSecond: number;
  /** Requests that may come at once after a rest. */
  readonly burst: number;
}

/** What adding and subtracting times may lose: a caller who waited as told is never a rounding error too early. */
const ROUNDING_MS = 1e-6;
/** Keys that a process remembers; beyond, the one that was used longest ago starts afresh. */
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
      const intervalMs = 1000 / rate.perSecond;
      const next = Math.max(restAt.get(key) ?? now, now) + intervalMs;
      const tooEarlyMs = next - rate.burst * intervalMs - now;
      if (tooEarlyMs > ROUNDING_MS) return Math.ceil(tooEarlyMs);
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
