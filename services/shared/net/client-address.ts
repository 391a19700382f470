/** The client of a request: its peer, or the client that our own proxies report. Of all others, no header is believed. */
import { type Environment, text } from '../settings/env.ts';
import { type Hop, hopsOfForwarded, hopsOfList } from './forwarded-hops.ts';
import { type NetworkList, networks, parseAddress } from './networks.ts';

const HEADERS = ['any', 'x-forwarded-for', 'forwarded'] as const;

export interface TrustedProxies extends NetworkList {
  /**
   * The header that they write. The other one comes from the client, so it must not be read. With `any`, X-Forwarded-For is read
   * if the request has it, else Forwarded: that is right for proxies that write X-Forwarded-For.
   */
  readonly header: (typeof HEADERS)[number];
}

/** Returns all lines of a header, joined with commas in their order: a proxy may add a line of its own. Empty if absent. */
export type HeaderLookup = (lowerCaseName: string) => string;

/** From TRUSTED_PROXIES and FORWARDED_HEADER. */
export function parseTrustedProxies(env: Environment): TrustedProxies {
  const name = text(env, 'FORWARDED_HEADER').toLowerCase();
  const header = HEADERS.find((known) => known === name);
  if (header === undefined) {
    throw new Error(`FORWARDED_HEADER must be ${HEADERS.join(', ')}, not "${name}"`);
  }
  const { has } = networks(env, 'TRUSTED_PROXIES');
  return { has, header };
}

export interface Client {
  /** In its canonical form. */
  readonly address: string;
  /** What the nearest proxy before that client reports; undefined without a trusted proxy, or if it reports nothing. */
  readonly hop: Hop | undefined;
}

/**
 * Finds the first address that is not one of our proxies, read from the peer backwards. A hop without an address ends the search: the
 * client then counts as the proxy that reported it.
 */
export function findClient(peer: string, header: HeaderLookup, proxies: TrustedProxies): Client {
  let client: Client = { address: parseAddress(peer) ?? peer, hop: undefined };
  if (!proxies.has(client.address)) return client;
  for (const hop of hops(header, proxies.header)) {
    client = { address: hop.address ?? client.address, hop };
    if (hop.address === undefined || !proxies.has(hop.address)) break;
  }
  return client;
}

export function clientAddress(peer: string, header: HeaderLookup, proxies: TrustedProxies): string {
  return findClient(peer, header, proxies).address;
}

function hops(header: HeaderLookup, name: TrustedProxies['header']): Iterable<Hop> {
  const list = name === 'forwarded' ? '' : header('x-forwarded-for');
  if (list !== '' || name === 'x-forwarded-for') return hopsOfList(list);
  return hopsOfForwarded(header('forwarded'));
}
