/** A rate by key that refuses with the reason that clients are told. */
import { AppError } from '../../shared/errors/app-error.ts';
import type { LocalLimiter } from '../../shared/rate/gcra.ts';

export interface RateLimitOptions {
  /** Sustained. */
  readonly perMinute: number;
  /** At once after a rest. */
  readonly burst: number;
  readonly limiter: LocalLimiter;
}

export interface RateLimit {
  /** Counts one. Refuses with RATE_LIMITED and the time to wait; a refusal costs nothing. */
  spend(key: string): void;
}

const S_PER_MINUTE = 60;

export function createRateLimit({ perMinute, burst, limiter }: RateLimitOptions): RateLimit {
  const rate = { perSecond: perMinute / S_PER_MINUTE, burst };
  return {
    spend(key) {
      const retryAfterMs = limiter.spend(key, rate);
      if (retryAfterMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs });
    },
  };
}
