/** A refusal for asking too often, with the limit that was passed, as the IETF's draft on RateLimit header fields tells it. */
import { AppError } from '../errors/app-error.ts';
import type { Rate } from './gcra.ts';

export class RateLimitedError extends AppError {
  /** Which limit it was. */
  readonly policy: string;
  readonly rate: Rate;

  /** `waitMs` is how long to wait until a request of this kind goes through. */
  constructor(policy: string, rate: Rate, waitMs: number) {
    super('RATE_LIMITED', { retryAfterMs: waitMs });
    this.policy = policy;
    this.rate = rate;
  }

  /**
   * The limit is told as the burst and the seconds in which all of it comes back; of what is left, there is nothing, until
   * `retryAfterS` have passed.
   */
  headers(retryAfterS: number): [string, string][] {
    const { burst, perSecond } = this.rate;
    return [
      ['RateLimit-Policy', `"${this.policy}";q=${burst};w=${Math.ceil(burst / perSecond)}`],
      ['RateLimit', `"${this.policy}";r=0;t=${retryAfterS}`],
    ];
  }
}
