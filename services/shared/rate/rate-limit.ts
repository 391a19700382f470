/** Holds each key to one rate and refuses with RATE_LIMITED, the time to wait and the limit that was exceeded. */
import type { LocalLimiter, Rate } from './gcra.ts';
import { RateLimitedError } from './rate-limited.ts';

export interface RateLimitOptions {
  /** The name of the limit in the RateLimit headers, such as `user`. */
  readonly policy: string;
  readonly rate: Rate;
  readonly limiter: LocalLimiter;
  readonly onRefused?: () => void;
}

export type RateLimit = ReturnType<typeof createRateLimit>;

export function createRateLimit({ policy, rate, limiter, onRefused }: RateLimitOptions) {
  return {
    /** Counts one request of the key. A refused request counts nothing. */
    spend(key: string): void {
      const waitMs = limiter.spend(key, rate);
      if (waitMs === 0) return;
      onRefused?.();
      throw new RateLimitedError(policy, rate, waitMs);
    },
  };
}
