/**
 * NATS_URL: one or more addresses, separated by commas, each with or without a scheme and with or without credentials of its own.
 * An address without credentials takes those of the address before it, or else the first that are given: a server that needs none
 * does not mind.
 */
import { isIP } from 'node:net';
import { type Environment, optionalSecret, secret } from '../../settings/env.ts';
import { Secret } from '../../settings/secret.ts';
import { parseTlsFiles, type TlsFiles } from '../tls-files.ts';

/** What a server asks for besides a user and a password. */
export interface NatsAccess {
  readonly tls?: TlsFiles | undefined;
  /** The text of a credentials file: a JWT and its key. */
  readonly credentials?: Secret | undefined;
}

export interface NatsAddress {
  /** host:port, an IPv6 address in brackets. */
  readonly server: string;
  readonly hostname: string;
  /** The address demands TLS. Without it TLS is used if the server wants it. */
  readonly tls: boolean;
  readonly login: NatsLogin | undefined;
}

export interface NatsLogin {
  /** A name without a password is a token, as is usual with NATS. */
  readonly user: string;
  readonly pass: Secret | undefined;
}

const DEFAULT_PORT = '4222';
const SCHEME = /^(nats|tls):\/\//i;
const REFUSAL =
  'NATS_URL must be a list of addresses such as nats://user:password@host:4222, tls://host or host:4222, separated by commas';

/** NATS_URL with the password that is kept apart from it. Throws if it can't be parsed; the error quotes nothing of it. */
export function parseNatsUrl(env: Environment): Secret {
  const url = secret(env, 'NATS_URL').reveal();
  const password = optionalSecret(env, 'NATS_PASSWORD');
  parseNatsAddresses(url);
  return new Secret(password === undefined ? url : putPassword(url, password.reveal()));
}

export function parseNatsAccess(env: Environment): NatsAccess {
  const credentials = optionalSecret(env, 'NATS_CREDENTIALS');
  if (credentials !== undefined && !/BEGIN NATS USER JWT/.test(credentials.reveal()))
    throw new Error('NATS_CREDENTIALS_FILE must name a credentials file, as "nsc generate creds" writes it');
  return { tls: parseTlsFiles(env, 'NATS'), credentials };
}

/** Into each address that names a user. */
function putPassword(url: string, password: string): string {
  const encoded = encodeURIComponent(password);
  const addresses = splitAddresses(url);
  if (!addresses.some((address) => address.includes('@')))
    throw new Error('NATS_PASSWORD needs the name of the user in NATS_URL, as in nats://user@host:4222');
  return addresses
    .map((address) => address.replace(/^((?:\w+:\/\/)?[^@/:]+)(?::[^@]*)?@/, `$1:${encoded}@`))
    .join(',');
}

const splitAddresses = (url: string): string[] =>
  url
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');

export function parseNatsAddresses(url: string): readonly NatsAddress[] {
  const addresses = splitAddresses(url).map(parseAddress);
  if (addresses.length === 0) throw new Error(REFUSAL);
  let login = addresses.find((address) => address.login !== undefined)?.login;
  return addresses.map((address) => {
    login = address.login ?? login;
    return { ...address, login };
  });
}

function parseAddress(text: string): NatsAddress {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined && text.includes('://')) throw new Error(REFUSAL);
  // Parsed as a special scheme: only then are host names checked.
  const parsed = URL.parse(`http://${text.replace(SCHEME, '')}`);
  const isPlain = parsed !== null && parsed.pathname === '/' && parsed.search === '' && parsed.hash === '';
  if (!isPlain || parsed.hostname === '') throw new Error(REFUSAL);
  // A special scheme drops its own port.
  const port = /:(\d+)\/?$/.exec(text)?.[1] ?? DEFAULT_PORT;
  return {
    server: `${parsed.hostname}:${port}`,
    hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    tls: scheme === 'tls',
    login: loginOf(parsed),
  };
}

function loginOf({ username, password }: URL): NatsLogin | undefined {
  if (username === '') return undefined;
  try {
    const pass = password === '' ? undefined : new Secret(decodeURIComponent(password));
    return { user: decodeURIComponent(username), pass };
  } catch {
    throw new Error(REFUSAL);
  }
}

/** The addresses in messages: without credentials. */
export function describeNatsAddresses(url: Secret | string): string {
  return parseNatsAddresses(Secret.of(url).reveal())
    .map(({ tls, server }) => `${tls ? 'tls' : 'nats'}://${server}`)
    .join(',');
}

/** Addresses with the same credentials, in the order in which they are given. One connection can move between them. */
export function groupByLogin(addresses: readonly NatsAddress[]): ReadonlyArray<readonly NatsAddress[]> {
  const groups = new Map<string, NatsAddress[]>();
  for (const address of addresses) {
    const { user = '', pass } = address.login ?? {};
    const key = JSON.stringify([user, pass?.reveal()]);
    groups.set(key, [...(groups.get(key) ?? []), address]);
  }
  return [...groups.values()];
}

/** Whether a certificate must be valid for a number instead of a name. */
export const isNumeric = ({ hostname }: NatsAddress): boolean => isIP(hostname) !== 0;
