/** Network addresses as a limit sees them: lists of networks, and what counts as one subscriber. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export interface Networks {
  has(address: string): boolean;
}

const MAX_PREFIX = { ipv4: 32, ipv6: 128 } as const;
/** How IPv4 addresses look on a socket for both families. */
const MAPPED_PREFIX = '::ffff:';
/** One IPv6 subscriber holds a whole /64: the first four groups of eight. */
const SUBSCRIBER_GROUPS = 4;

/** A list of addresses and networks in CIDR notation; throws on one that is neither. */
export function parseNetworks(networks: readonly string[]): Networks {
  const blocks = new BlockList();
  for (const network of networks) {
    const [address = '', prefix, ...more] = network.split('/');
    const family = familyOf(address);
    const bits = prefix === undefined && family !== undefined ? MAX_PREFIX[family] : Number(prefix);
    const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix);
    if (family === undefined || more.length > 0 || !isPrefix || bits > MAX_PREFIX[family]) {
      throw new Error(`"${network}" is not a network such as 10.0.0.0/8`);
    }
    blocks.addSubnet(address, bits, family);
  }
  return {
    has(address) {
      const family = familyOf(address);
      return family !== undefined && blocks.check(address, family);
    },
  };
}

/** The peer of a socket in one spelling. */
export function plainAddress(address: string): string {
  const rest = address.startsWith(MAPPED_PREFIX) ? address.slice(MAPPED_PREFIX.length) : '';
  return isIPv4(rest) ? rest : address;
}

/** What a limit counts as one: an IPv4 address or an IPv6 /64. */
export function subscriberOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  return [...front, ...zeros, ...back].slice(0, SUBSCRIBER_GROUPS).join(':');
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (isIPv4(address)) return 'ipv4';
  return isIPv6(address) ? 'ipv6' : undefined;
}
