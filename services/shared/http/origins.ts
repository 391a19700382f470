/**
 * Which pages may call from a browser: an exact list of origins. Unless one is set, they are those of the edge's own page: on
 * this machine, and at any IP address by which the page was opened, when it calls that same address. A host name is not
 * trusted in that way: its owner can let it point at this machine after the page was loaded (DNS rebinding).
 */

import { parseAddress } from '../net/networks.ts';
import { type Environment, list } from '../settings/env.ts';

export interface AllowedOrigins {
  /** Scheme, host and port, exactly as browsers write them. */
  readonly listed: readonly string[];
  /** Whether a page of this origin may call; `host` is the Host header of the call. */
  allows(origin: string, host: string): boolean;
}

const HTTP_PORT = 80;

/** From ALLOWED_ORIGINS. Throws on an entry that no browser would write, such as one with a path: it would never match. */
export function parseOrigins(env: Environment, edgePort: number): AllowedOrigins {
  const own = ['localhost', '127.0.0.1'].map((host) => new URL(`http://${host}:${edgePort}`).origin);
  const isSet = env.ALLOWED_ORIGINS !== undefined && env.ALLOWED_ORIGINS !== '';
  const listed = list(env, 'ALLOWED_ORIGINS', own);
  for (const origin of listed) {
    if (origin === 'null' || URL.parse(origin)?.origin !== origin) {
      throw new Error(`ALLOWED_ORIGINS must list origins such as https://play.example, not "${origin}"`);
    }
  }
  const exact = new Set(listed);
  return {
    listed,
    allows: (origin, host) => exact.has(origin) || (!isSet && isPageAt(host, origin, edgePort)),
  };
}

/** Whether the origin is that of the edge's page at the very IP address that is called. */
function isPageAt(host: string, origin: string, edgePort: number): boolean {
  const page = URL.parse(origin);
  if (page?.origin !== origin || page.protocol !== 'http:') return false;
  if (Number(page.port === '' ? HTTP_PORT : page.port) !== edgePort) return false;
  const isAddress = parseAddress(page.hostname.replace(/^\[(.*)\]$/, '$1')) !== undefined;
  return isAddress && URL.parse(`http://${host}`)?.hostname === page.hostname;
}
