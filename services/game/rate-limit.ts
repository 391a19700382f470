/**
 * A token bucket per key, each kept as one number: the time at which the bucket is full again. Bounded: beyond the limit
 * of keys, the one used longest ago starts afresh.
 */
import { AppError } from '../shared/app-error.ts';

export interface RateLimitOptions {
  /** Sustained. */
  readonly perMinute: number;
  /** At once after a rest. */
  readonly burst: number;
  readonly monotonicMs: () => number;
  readonly maxKeys?: number;
}

export interface RateLimit {
  /** Counts one. Refuses with RATE_LIMITED and the time to wait; a refusal costs nothing. */
  spend(key: string): void;
}

/** Some 10 MB of keys. */
const MAX_KEYS = 100_000;
const MS_PER_MINUTE = 60_000;

export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { perMinute, burst, monotonicMs, maxKeys = MAX_KEYS } = options;
  const intervalMs = MS_PER_MINUTE / perMinute;
  const fullAtMs = new Map<string, number>();
  return {
    spend(key) {
      const now = monotonicMs();
      const next = Math.max(fullAtMs.get(key) ?? now, now) + intervalMs;
      const waitMs = next - now - burst * intervalMs;
      if (waitMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs: Math.ceil(waitMs) });
      // Deleted first, so that the map's order is that of use.
      fullAtMs.delete(key);
      fullAtMs.set(key, next);
      if (fullAtMs.size > maxKeys) {
        const [oldest = key] = fullAtMs.keys();
        fullAtMs.delete(oldest);
      }
    },
  };
}
