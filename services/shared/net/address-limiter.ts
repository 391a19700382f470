/**
 * Rates by address. An IPv6 site can call from any of its 65,536 networks, each of which counts as one address: together they
 * get the rate of a few addresses.
 */
import { createLocalLimiter, type LocalLimiter } from '../rate/gcra.ts';
import { holdersOf } from './networks.ts';

/** The rate of a /48, in addresses: enough for several subscribers of a carrier, and less than a whole node. */
export const ADDRESSES_PER_SITE = 4;

/** Keys are addresses in the form of `subscriberOf`. */
export function createAddressLimiter(monotonicMs: () => number): LocalLimiter {
  const limiter = createLocalLimiter(monotonicMs);
  return {
    spend(subscriber, rate) {
      const [address = subscriber, site] = holdersOf(subscriber);
      const waitMs = limiter.spend(address, rate);
      if (waitMs > 0 || site === undefined) return waitMs;
      const perSecond = rate.perSecond * ADDRESSES_PER_SITE;
      return limiter.spend(site, { perSecond, burst: rate.burst * ADDRESSES_PER_SITE });
    },
  };
}
