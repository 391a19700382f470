/**
 * Which pages may call from a browser: the edge's own page and the origins of ALLOWED_ORIGINS. The own page is the one on this
 * machine, or at any IP address, provided that it calls the same address. A host name is not trusted in this way: its owner
 * can point it at this machine after the page was loaded (DNS rebinding).
 */

import { parseAddress } from '../net/networks.ts';
import { type Environment, list, optionalText } from '../settings/env.ts';
import { parseOrigin, subdomainsOf } from './origin-entry.ts';

export interface AllowedOrigins {
  /** Scheme, host and port as browsers write them; the host may begin with `*.` for the subdomains of a domain. */
  readonly listed: readonly string[];
  /** Whether the list has this origin, by itself or as a subdomain. */
  lists(origin: string): boolean;
  /** Whether a page of this origin may call; `host` is the Host header of the call. */
  allows(origin: string, host: string): boolean;
}

const HTTP_PORT = 80;

/**
 * From ALLOWED_ORIGINS, in addition to the own page; "-" allows no page at all. Throws on an entry that no browser would send,
 * such as one with a path: it would never match.
 */
export function parseOrigins(env: Environment, edgePort: number): AllowedOrigins {
  const isClosed = optionalText(env, 'ALLOWED_ORIGINS') === '-';
  const own = ['localhost', '127.0.0.1'].map((host) => new URL(`http://${host}:${edgePort}`).origin);
  const given = list(env, 'ALLOWED_ORIGINS', '-').map(parseOrigin);
  const listed = isClosed ? [] : [...new Set([...own, ...given])];
  const exact = new Set(listed);
  const domains = listed.flatMap((origin) => subdomainsOf(origin) ?? []);
  const lists = (origin: string) => exact.has(origin) || domains.some((matches) => matches(origin));
  return {
    listed,
    lists,
    allows: (origin, host) => lists(origin) || (!isClosed && isPageAt(host, origin, edgePort)),
  };
}

/** Whether the origin is that of the edge's page at the same IP address as the call. */
function isPageAt(host: string, origin: string, edgePort: number): boolean {
  const page = URL.parse(origin);
  if (page?.origin !== origin || page.protocol !== 'http:') return false;
  if (Number(page.port === '' ? HTTP_PORT : page.port) !== edgePort) return false;
  const isAddress = parseAddress(page.hostname.replace(/^\[(.*)\]$/, '$1')) !== undefined;
  return isAddress && URL.parse(`http://${host}`)?.hostname === page.hostname;
}
