/** Hosts and addresses as text. An IPv6 address has brackets where a port follows it, and none where a server binds to it. */
import { isIP, isIPv6 } from 'node:net';
import { type Environment, text } from '../settings/env.ts';
import { parseNetworks } from './networks.ts';

type HostName = 'HOST' | 'INTERNAL_HOST' | 'ADMIN_HOST';

const LOOPBACK = '127.0.0.1';
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];
const LOOPBACK_NETWORKS = parseNetworks(['127.0.0.0/8', '::1']);

/** The host in a setting, without brackets and in its shortest form; the loopback address when it is not set. */
export function parseHost(env: Environment, name: HostName): string {
  const given = text(env, name);
  const bare = /^\[(.*)\]$/.exec(given)?.[1] ?? given;
  const host = URL.parse(`http://${isIPv6(bare) ? `[${bare}]` : bare}`)?.hostname;
  if (host === undefined || host === '' || (isIP(bare) === 0 && host !== bare.toLowerCase())) {
    throw new Error(`${name} must be a host name or an IP address, not "${given}"`);
  }
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** "host:port", as addresses are written in URLs and for gRPC. */
export function joinHostPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** The address at which a server that is bound to this host is reached from this machine. */
export function reachableHost(host: string): string {
  if (!WILDCARDS.includes(host)) return host;
  return isIPv6(host) ? '::1' : LOOPBACK;
}

/** Whether a server that is bound to this host can be reached from this machine only. Names other than localhost count as open. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost';
  return LOOPBACK_NETWORKS.has(host);
}
