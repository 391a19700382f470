/**
 * Where the instances of a service are: a comma-separated list of `host:port`, `dns:///host:port` (the same) and `unix:PATH`.
 * A host name stands for all of its addresses; an IP address or a socket stands for itself.
 */
import { isIP } from 'node:net';
import { type Environment, list, optionalText } from '../settings/env.ts';
import { joinHostPort } from './host-port.ts';
import { isSocketPath, isUnixAddress } from './unix-socket.ts';

type AddressName = 'AUTH_ADDRESS' | 'SCORE_ADDRESS' | 'RANK_ADDRESS';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export interface ServiceAddresses {
  /** In gRPC's form: `ip:port` or `unix:PATH`. */
  readonly fixed: readonly string[];
  readonly names: readonly HostAndPort[];
}

const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+)):(\d{1,5})$/i;

/** Throws a TypeError that names the part which is no address. */
export function parseServiceAddresses(text: string): ServiceAddresses {
  const fixed: string[] = [];
  const names: HostAndPort[] = [];
  for (const part of text.split(',').map((item) => item.trim())) {
    if (isUnixAddress(part) && isSocketPath(part.slice('unix:'.length))) {
      fixed.push(part);
      continue;
    }
    const [, ipv6, name, digits] = HOST_PORT.exec(part.replace(/^dns:(?:\/\/\/)?/, '')) ?? [];
    const [host, port] = [ipv6 ?? name ?? '', Number(digits)];
    if (!(port >= 1 && port <= 65_535) || (ipv6 !== undefined && isIP(ipv6) !== 6)) {
      throw new TypeError(`"${part}" is not host:port, dns:///host:port or unix:PATH`);
    }
    if (isIP(host) === 0) names.push({ host, port });
    else fixed.push(joinHostPort(host, port));
  }
  return { fixed, names };
}

/** The addresses in a setting, checked, as one text. */
export function serviceAddresses(env: Environment, name: AddressName): string {
  const addresses = list(env, name).join(',');
  try {
    parseServiceAddresses(addresses);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
  return addresses;
}

/** The same for a setting that may be absent; then undefined, and not its default. */
export function givenServiceAddresses(env: Environment, name: AddressName): string | undefined {
  return optionalText(env, name) === undefined ? undefined : serviceAddresses(env, name);
}
