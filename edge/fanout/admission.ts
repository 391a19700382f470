/**
 * Who may open one more socket: not more a second than the node can take, not more in all than it has descriptors for,
 * and not more from one address than its share. Addresses on the exempt list, such as a load balancer's, have no share.
 */
import { AppError } from '../../services/shared/app-error.ts';
import { type NetworkList, subscriberOf } from '../../services/shared/networks.ts';
import { UPGRADE_RETRY_S } from './limits.ts';
import { spend } from './rate-limit.ts';

export interface AdmissionOptions {
  maxSockets: number;
  maxSocketsPerAddress: number;
  /** New sockets a second, and at once. */
  maxUpgradesPerS: number;
  /** Networks whose addresses have no share, such as a load balancer's. */
  addressLimitExempt: NetworkList;
}

/** How many sockets one address holds. */
export interface AddressShare {
  readonly address: string;
  sockets: number;
}

export interface Admission {
  /** Counts one more socket from the address, or refuses with an AppError. */
  admit(address: string, nowMs: number): AddressShare | undefined;
  /** Gives back what `admit` counted. */
  release(share: AddressShare | undefined): void;
  readonly sockets: number;
}

const RETRY = { retryAfterMs: UPGRADE_RETRY_S * 1000 };

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxSockets, maxSocketsPerAddress, maxUpgradesPerS, addressLimitExempt } = options;
  const upgrades = { intervalMs: 1000 / maxUpgradesPerS, burst: maxUpgradesPerS };
  const shares = new Map<string, AddressShare>();
  let sockets = 0;
  let bucketFullAtMs = 0;

  function takeShare(address: string): AddressShare | undefined {
    if (addressLimitExempt.has(address)) return undefined;
    const key = subscriberOf(address);
    const share = shares.get(key) ?? { address: key, sockets: 0 };
    if (share.sockets >= maxSocketsPerAddress) throw new AppError('RATE_LIMITED', RETRY);
    share.sockets += 1;
    shares.set(key, share);
    return share;
  }

  return {
    admit(address, nowMs) {
      if (sockets >= maxSockets) throw new AppError('NODE_FULL', RETRY);
      const next = spend(upgrades, bucketFullAtMs, nowMs);
      if (next === undefined) throw new AppError('NODE_FULL', RETRY);
      const share = takeShare(address);
      bucketFullAtMs = next;
      sockets += 1;
      return share;
    },
    release(share) {
      sockets -= 1;
      if (share === undefined) return;
      share.sockets -= 1;
      if (share.sockets === 0) shares.delete(share.address);
    },
    get sockets() {
      return sockets;
    },
  };
}
