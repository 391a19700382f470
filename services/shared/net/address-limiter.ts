/**
 * Rates by address. An IPv6 site can call from any of its 65,536 networks, each of which counts as an address: together they
 * have what a few addresses have.
 */
import { createLocalLimiter, type LocalLimiter } from '../rate/gcra.ts';
import { holdersOf } from './networks.ts';

/** What the /48 of a site may use, in addresses: several subscribers of a carrier, and not a whole node. */
export const ADDRESSES_PER_SITE = 4;

/** Keys are addresses as `subscriberOf` spells them. */
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
