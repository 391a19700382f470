/**
 * Admission check of new sockets. A node limits their rate and their number, and one address gets a share of both. The share of
 * the address is checked first, so that what the address is refused uses nothing of the node's rate. Addresses on the exempt
 * list, such as a load balancer's, have no share.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { ADDRESSES_PER_SITE, createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import type { ConnectionLimits } from '../../../services/shared/net/connections.ts';
import { holdersOf, type NetworkList, subscriberOf } from '../../../services/shared/net/networks.ts';
import type { Rate } from '../../../services/shared/rate/gcra.ts';
import type { AddressShare, Holding } from '../hub/address-share.ts';
import {
  ADDRESS_PART_OF_UPGRADES,
  CONNECTIONS_PER_UPGRADE,
  SPARE_CONNECTIONS,
  UPGRADE_RETRY_S,
} from './limits.ts';
import { createUpgradeTurns } from './upgrade-turns.ts';

export interface AdmissionOptions {
  maxSockets: number;
  maxSocketsPerAddress: number;
  /** New sockets per second, and as a burst. */
  maxUpgradesPerS: number;
  /** Networks whose addresses have no share. */
  addressLimitExempt: NetworkList;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export type Admission = ReturnType<typeof createAdmission>;

const RETRY = { retryAfterMs: UPGRADE_RETRY_S * 1000 };

/** The share of a node's upgrades that one address may use. */
function upgradesOfAddress(maxUpgradesPerS: number): Rate {
  const { ofRate, ofBurst } = ADDRESS_PART_OF_UPGRADES;
  return { perSecond: maxUpgradesPerS * ofRate, burst: Math.ceil(maxUpgradesPerS * ofBurst) };
}

/** Limits of connections, which outnumber sockets and cost something before their first request. */
export function connectionLimits({
  maxSockets,
  maxUpgradesPerS,
}: Pick<AdmissionOptions, 'maxSockets' | 'maxUpgradesPerS'>): ConnectionLimits {
  const { perSecond, burst } = upgradesOfAddress(maxUpgradesPerS);
  return {
    most: maxSockets + SPARE_CONNECTIONS,
    perAddress: { perSecond: CONNECTIONS_PER_UPGRADE * perSecond, burst: CONNECTIONS_PER_UPGRADE * burst },
  };
}

const emptyHolding = (): Holding => ({ sockets: 0, boards: new Map() });

function keepWhileHeld<Kept extends Holding>(holdings: Map<string, Kept>, name: string, holding: Kept): void {
  if (holding.sockets > 0) holdings.set(name, holding);
  else holdings.delete(name);
}

export function createAdmission(options: AdmissionOptions) {
  const { maxSockets, maxSocketsPerAddress, maxUpgradesPerS, addressLimitExempt, monotonicMs } = options;
  const turns = createUpgradeTurns(maxUpgradesPerS, monotonicMs);
  const perAddress = upgradesOfAddress(maxUpgradesPerS);
  const limiter = createAddressLimiter(monotonicMs);
  const shares = new Map<string, AddressShare>();
  const sites = new Map<string, Holding>();
  let sockets = 0;

  function shareOf(address: string): AddressShare | undefined {
    if (addressLimitExempt.has(address)) return undefined;
    const key = subscriberOf(address);
    const retryAfterMs = limiter.spend(key, perAddress);
    if (retryAfterMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs });
    const share = shares.get(key) ?? { address: key, ...emptyHolding(), site: siteOf(key) };
    const isFull = (share.site?.sockets ?? 0) >= ADDRESSES_PER_SITE * maxSocketsPerAddress;
    if (isFull || share.sockets >= maxSocketsPerAddress) throw new AppError('RATE_LIMITED', RETRY);
    return share;
  }

  function siteOf(address: string): Holding | undefined {
    const [, site] = holdersOf(address);
    return site === undefined ? undefined : (sites.get(site) ?? emptyHolding());
  }

  function count(share: AddressShare, change: number): void {
    const { address, site } = share;
    share.sockets += change;
    keepWhileHeld(shares, address, share);
    if (site === undefined) return;
    site.sockets += change;
    const [, prefix = ''] = holdersOf(address);
    keepWhileHeld(sites, prefix, site);
  }

  return {
    /** Counts one more socket of the address, or refuses it with an AppError. */
    admit(address: string): AddressShare | undefined {
      const share = shareOf(address);
      // An address holds no more places than it leaves free, so that a newcomer finds some.
      const held = Math.max(share?.sockets ?? 0, (share?.site?.sockets ?? 0) / ADDRESSES_PER_SITE);
      if (sockets + held >= maxSockets) throw new AppError('NODE_FULL', RETRY);
      if (!turns.take(share?.address)) throw new AppError('NODE_FULL', RETRY);
      sockets += 1;
      if (share !== undefined) count(share, 1);
      return share;
    },

    /** Takes back what `admit` counted. */
    release(share: AddressShare | undefined): void {
      sockets -= 1;
      if (share !== undefined) count(share, -1);
    },
  };
}
