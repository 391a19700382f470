/**
 * Network addresses as limits use them: one spelling per address, lists of networks in CIDR notation, and what counts as one
 * subscriber. Ambiguous forms are refused: octets with leading zeros, zones, an empty prefix.
 */
import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type Environment, list } from '../settings/env.ts';
import type { SettingName } from '../settings/settings.ts';

export interface NetworkList {
  has(address: string): boolean;
}

type Address = ReturnType<typeof ipaddr.process>;

interface Network {
  readonly address: Address;
  /** Leading bits that addresses of the network share. */
  readonly bits: number;
}

/** Answers cached per list, since every request asks. */
const MAX_REMEMBERED = 10_000;
const MAX_BITS = { ipv4: 32, ipv6: 128 } as const;
/** Bits of an IPv4 address mapped into IPv6 (::ffff:10.0.0.1) that stand before it. */
const MAPPED_BITS = 96;
/** A whole number without leading zeros. */
const BITS = /^(?:0|[1-9]\d{0,2})$/;
/** One IPv6 subscriber has a whole /64: the first four groups of eight. */
const SUBSCRIBER_GROUPS = 4;
/** One IPv6 site has a whole /48. */
const SITE_GROUPS = 3;

/** An address mapped into IPv6 becomes the IPv4 address that it is. A zone ("%eth0") means something on one machine only. */
function read(text: string): Address | undefined {
  return isIP(text) === 0 || text.includes('%') ? undefined : ipaddr.process(text);
}

/** The canonical spelling of an address; undefined when the text is not an address. */
export function parseAddress(text: string): string | undefined {
  return read(text)?.toString();
}

/** The unit that limits count: an IPv4 address, or the /64 network of an IPv6 address. */
export function subscriberOf(address: string): string {
  // Called for every request, so a plain IPv4 address returns at once.
  if (isIPv4(address)) return address;
  const known = read(address);
  if (!(known instanceof ipaddr.IPv6)) return known?.toString() ?? address;
  return known.parts
    .slice(0, SUBSCRIBER_GROUPS)
    .map((group) => group.toString(16))
    .join(':');
}

/** The holders of a client's place in a node: its subscriber address, and for IPv6 also its site, a /48 with 65,536 networks. */
export function holdersOf(subscriber: string): string[] {
  if (!subscriber.includes(':')) return [subscriber];
  return [subscriber, subscriber.split(':').slice(0, SITE_GROUPS).join(':')];
}

/** The setting's networks. Throws an error that names the setting and the entry that is not a network. */
export function networks(env: Environment, name: SettingName): NetworkList {
  return parseNetworks(list(env, name), name);
}

/** A list of addresses and networks in CIDR notation; `name` is the setting that it comes from. */
export function parseNetworks(entries: readonly string[], name = 'the list'): NetworkList {
  const known = entries.map((entry) => {
    const network = parseNetwork(entry);
    if (network !== undefined) return network;
    throw new Error(`${name} has the entry "${entry}", which is not a network such as 10.0.0.0/8`);
  });
  const remembered = new Map<string, boolean>();
  return {
    has(text) {
      if (known.length === 0) return false;
      const earlier = remembered.get(text);
      if (earlier !== undefined) return earlier;
      const address = read(text);
      const answer = address !== undefined && known.some((network) => contains(network, address));
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(text, answer);
      return answer;
    },
  };
}

function parseNetwork(entry: string): Network | undefined {
  const [text = '', suffix, ...more] = entry.split('/');
  const address = read(text);
  if (address === undefined || more.length > 0) return undefined;
  const most = MAX_BITS[address.kind()];
  if (suffix === undefined) return { address, bits: most };
  if (!BITS.test(suffix)) return undefined;
  const isMapped = address.kind() === 'ipv4' && text.includes(':');
  const bits = Number(suffix) - (isMapped ? MAPPED_BITS : 0);
  return bits >= 0 && bits <= most ? { address, bits } : undefined;
}

function contains({ address, bits }: Network, candidate: Address): boolean {
  return candidate.kind() === address.kind() && candidate.match(address, bits);
}
