/**
 * Who may open one more socket: not more a second than the node can take, not more in all than it has descriptors for,
 * and not more from one address than its share. Addresses on the exempt list, such as a load balancer's, have no share.
 */
import { BlockList } from 'node:net';
import { AppError } from '../../services/shared/app-error.ts';
import { UPGRADE_RETRY_S } from './limits.ts';
import { spend } from './rate-limit.ts';

export interface AdmissionOptions {
  maxSockets: number;
  maxSocketsPerAddress: number;
  /** New sockets a second, and at once. */
  maxUpgradesPerS: number;
  /** Networks in CIDR notation. */
  addressLimitExempt: readonly string[];
}

/** How many sockets one address holds. */
export interface AddressShare {
  readonly address: string;
  sockets: number;
}

export interface Admission {
  /** Counts one more socket from the address, or refuses with an AppError. */
  admit(address: Uint8Array, nowMs: number): AddressShare | undefined;
  /** Gives back what `admit` counted. */
  release(share: AddressShare | undefined): void;
  readonly sockets: number;
}

const RETRY = { retryAfterMs: UPGRADE_RETRY_S * 1000 };

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxSockets, maxSocketsPerAddress, maxUpgradesPerS } = options;
  const upgrades = { intervalMs: 1000 / maxUpgradesPerS, burst: maxUpgradesPerS };
  const exempt = parseNetworks(options.addressLimitExempt);
  const shares = new Map<string, AddressShare>();
  let sockets = 0;
  let bucketFullAtMs = 0;

  function takeShare({ text, family, share: key }: Address): AddressShare | undefined {
    if (exempt.check(text, family)) return undefined;
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
      const share = takeShare(parseAddress(address));
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

interface Address {
  readonly text: string;
  readonly family: 'ipv4' | 'ipv6';
  /** What counts as one address: an IPv6 customer has a whole /64. */
  readonly share: string;
}

const IPV4_MAPPED = '00000000000000000000ffff';

/** From the 4 or 16 bytes of the socket's peer. */
export function parseAddress(bytes: Uint8Array): Address {
  const hex = Buffer.from(bytes).toString('hex');
  const isMapped = bytes.length === 16 && hex.startsWith(IPV4_MAPPED);
  if (bytes.length === 4 || isMapped) {
    const text = bytes.slice(-4).join('.');
    return { text, family: 'ipv4', share: text };
  }
  const groups = hex.match(/.{4}/g) ?? [];
  return { text: groups.join(':'), family: 'ipv6', share: groups.slice(0, 4).join(':') };
}

/** A list of networks; an address without a prefix length stands for itself. */
export function parseNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
