/**
 * Who may open one more socket: not more a second than the node can take, not more in all than it has descriptors for,
 * and of both not more from one address than its share. The address is asked first, so that what it is refused costs the
 * node's rate nothing. Addresses on the exempt list, such as a load balancer's, have no share.
 */

import { AppError } from '../../../services/shared/errors/app-error.ts';
import { ADDRESSES_PER_SITE, createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import type { ConnectionLimits } from '../../../services/shared/net/connections.ts';
import { holdersOf, type NetworkList, subscriberOf } from '../../../services/shared/net/networks.ts';
import type { Rate } from '../../../services/shared/rate/gcra.ts';
import {
  ADDRESS_PART_OF_UPGRADES,
  CONNECTIONS_PER_UPGRADE,
  SPARE_CONNECTIONS,
  UPGRADE_RETRY_S,
} from '../limits.ts';
import { spend } from './rate-limit.ts';

export interface AdmissionOptions {
  maxSockets: number;
  maxSocketsPerAddress: number;
  /** New sockets a second, and at once. */
  maxUpgradesPerS: number;
  /** Networks whose addresses have no share, such as a load balancer's. */
  addressLimitExempt: NetworkList;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

/** What one holder has of the node: an address, or the /48 of an IPv6 site. */
export interface Holding {
  sockets: number;
  /** Sockets by the leaderboard that they watch. */
  readonly boards: Map<string, number>;
}

export interface AddressShare extends Holding {
  readonly address: string;
  /** Of an IPv6 address. */
  readonly site: Holding | undefined;
}

export interface Admission {
  /** Counts one more socket from the address, or refuses with an AppError. */
  admit(address: string): AddressShare | undefined;
  /** Gives back what `admit` counted. */
  release(share: AddressShare | undefined): void;
  readonly sockets: number;
}

const RETRY = { retryAfterMs: UPGRADE_RETRY_S * 1000 };

/** The part of a node's upgrades that one address may use. */
function upgradesOfAddress(maxUpgradesPerS: number): Rate {
  const { ofRate, ofBurst } = ADDRESS_PART_OF_UPGRADES;
  return { perSecond: maxUpgradesPerS * ofRate, burst: Math.ceil(maxUpgradesPerS * ofBurst) };
}

/** Connections are more than sockets, and become too many before any of them has asked for something. */
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

const nothingHeld = (): Holding => ({ sockets: 0, boards: new Map() });

function keepWhileHeld<Kept extends Holding>(holdings: Map<string, Kept>, name: string, holding: Kept): void {
  if (holding.sockets > 0) holdings.set(name, holding);
  else holdings.delete(name);
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxSockets, maxSocketsPerAddress, maxUpgradesPerS, addressLimitExempt, monotonicMs } = options;
  const upgrades = { intervalMs: 1000 / maxUpgradesPerS, burst: maxUpgradesPerS };
  const perAddress = upgradesOfAddress(maxUpgradesPerS);
  const limiter = createAddressLimiter(monotonicMs);
  const shares = new Map<string, AddressShare>();
  const sites = new Map<string, Holding>();
  let sockets = 0;
  let bucketFullAtMs = 0;

  function shareOf(address: string): AddressShare | undefined {
    if (addressLimitExempt.has(address)) return undefined;
    const key = subscriberOf(address);
    const retryAfterMs = limiter.spend(key, perAddress);
    if (retryAfterMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs });
    const share = shares.get(key) ?? { address: key, ...nothingHeld(), site: siteOf(key) };
    const isFull = (share.site?.sockets ?? 0) >= ADDRESSES_PER_SITE * maxSocketsPerAddress;
    if (isFull || share.sockets >= maxSocketsPerAddress) throw new AppError('RATE_LIMITED', RETRY);
    return share;
  }

  function siteOf(address: string): Holding | undefined {
    const [, site] = holdersOf(address);
    return site === undefined ? undefined : (sites.get(site) ?? nothingHeld());
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
    admit(address) {
      const share = shareOf(address);
      if (sockets >= maxSockets) throw new AppError('NODE_FULL', RETRY);
      const next = spend(upgrades, bucketFullAtMs, monotonicMs());
      if (next === undefined) throw new AppError('NODE_FULL', RETRY);
      bucketFullAtMs = next;
      sockets += 1;
      if (share !== undefined) count(share, 1);
      return share;
    },
    release(share) {
      sockets -= 1;
      if (share !== undefined) count(share, -1);
    },
    get sockets() {
      return sockets;
    },
  };
}
