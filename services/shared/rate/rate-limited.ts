/** The refusal of a request beyond a rate, with the exceeded limit in the form of the IETF draft on RateLimit header fields. */
import { AppError } from '../errors/app-error.ts';
import type { Rate } from './gcra.ts';

export class RateLimitedError extends AppError {
  /** The name of the limit. */
  readonly policy: string;
  readonly rate: Rate;

  /** `waitMs` is the time until a request of this kind is allowed again. */
  constructor(policy: string, rate: Rate, waitMs: number) {
    super('RATE_LIMITED', { retryAfterMs: waitMs });
    this.policy = policy;
    this.rate = rate;
  }

  /**
   * The policy gives the burst and the seconds in which it is restored in full. The remaining quota is 0 until `retryAfterS` have
   * passed.
   */
  headers(retryAfterS: number): [string, string][] {
    const { burst, perSecond } = this.rate;
    return [
      ['RateLimit-Policy', `"${this.policy}";q=${burst};w=${Math.ceil(burst / perSecond)}`],
      ['RateLimit', `"${this.policy}";r=0;t=${retryAfterS}`],
    ];
  }
}
