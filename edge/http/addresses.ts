/** Network addresses as the limits see them: text, one spelling, and lists of networks that they are compared with. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export interface NetworkList {
  has(address: string): boolean;
}

/** Answers remembered per list; a list is asked for every request. */
const MAX_REMEMBERED = 10_000;
const MAX_PREFIX = { ipv4: 32, ipv6: 128 } as const;
/** How IPv4 addresses look when they arrive at a socket for both families. */
const MAPPED_PREFIX = /^(?:::ffff:|0000:0000:0000:0000:0000:ffff:)/i;

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (isIPv4(address)) return 'ipv4';
  // A zone ("%eth0") is the word of one machine about itself.
  return isIPv6(address) && !address.includes('%') ? 'ipv6' : undefined;
}

/** A list of addresses and networks in CIDR notation; throws on one that is neither. */
export function parseNetworks(networks: readonly string[]): NetworkList {
  if (networks.length === 0) return { has: () => false };
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  const remembered = new Map<string, boolean>();
  return {
    has(address) {
      const known = remembered.get(address);
      if (known !== undefined) return known;
      const family = familyOf(address);
      const answer = family !== undefined && list.check(address, family);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(address, answer);
      return answer;
    },
  };
}

function addNetwork(list: BlockList, network: string): void {
  const slash = network.indexOf('/');
  const address = slash === -1 ? network : network.slice(0, slash);
  const family = familyOf(address);
  if (family !== undefined) {
    const prefix = slash === -1 ? String(MAX_PREFIX[family]) : network.slice(slash + 1);
    if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= MAX_PREFIX[family]) {
      list.addSubnet(address, Number(prefix), family);
      return;
    }
  }
  throw new Error(`"${network}" is not a network such as 10.0.0.0/8`);
}

/**
 * Who a request comes from: the peer, or what the nearest of our own proxies says. X-Forwarded-For is read from the
 * right, since everything left of the first stranger is that stranger's own word.
 */
export function clientAddress(peer: string, forwardedFor: () => string, trustedProxies: NetworkList): string {
  let nearest = normalizeAddress(peer);
  if (!trustedProxies.has(nearest)) return nearest;
  for (const hop of forwardedFor().split(',').reverse()) {
    const address = normalizeAddress(hop.trim());
    if (familyOf(address) === undefined) return nearest;
    nearest = address;
    if (!trustedProxies.has(address)) return nearest;
  }
  return nearest;
}

/** One spelling per address: IPv4 in its dotted form, also when it arrives mapped into IPv6. */
export function normalizeAddress(address: string): string {
  const rest = address.replace(MAPPED_PREFIX, '');
  if (rest === address || isIPv4(rest)) return rest;
  const groups = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(rest);
  if (groups === null) return address;
  const [high, low] = [Number.parseInt(groups[1] ?? '', 16), Number.parseInt(groups[2] ?? '', 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** What a limit counts as one: an IPv4 address, or the /64 network that one IPv6 subscriber holds. */
export function addressShare(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const middle = address.includes('::')
    ? Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
    : [];
  const groups = [...front, ...middle, ...back].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
