/**
 * Service keys: each service holds one key, "name.secret", and every server knows the SHA-256 of each secret, never the secret
 * itself. A player's token is not a service key and gives no access here.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** All services. `cli` is the operator at a terminal. */
export const SERVICE_NAMES = ['auth', 'score', 'rank', 'edge', 'fanout', 'game', 'cli'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** SHA-256 of each service's secret, in hexadecimal. */
export type ServiceDigests = Readonly<Partial<Record<ServiceName, string>>>;

/** 32 random bytes can't be guessed. */
const SECRET_BYTES = 32;
const SHA256_BYTES = 32;

export function createServiceKey(name: ServiceName): string {
  return `${name}.${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

export function isServiceName(name: string): name is ServiceName {
  return (SERVICE_NAMES as readonly string[]).includes(name);
}

function split(key: string): { name: ServiceName; secret: string } | undefined {
  const dot = key.indexOf('.');
  const name = key.slice(0, dot);
  return dot > 0 && isServiceName(name) ? { name, secret: key.slice(dot + 1) } : undefined;
}

/** Throws when this is not the key of this service. */
export function assertServiceKey(name: ServiceName, key: string): void {
  const parts = split(key);
  if (parts?.name !== name || parts.secret === '')
    throw new Error(`the key of ${name} has the form ${name}.secret`);
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The contents of the file of digests that servers read. */
export function digestServiceKeys(keys: readonly string[]): ServiceDigests {
  const digests: Partial<Record<ServiceName, string>> = {};
  for (const key of keys) {
    const parts = split(key);
    if (parts === undefined) throw new Error('a service key has the form name.secret');
    digests[parts.name] = digest(parts.secret).toString('hex');
  }
  return digests;
}

export function readServiceDigests(path: string): ServiceDigests {
  return JSON.parse(readFileSync(path, 'utf8')) as ServiceDigests;
}

/** The service of a key; undefined when it is none of ours. */
export function identifyService(digests: ServiceDigests, key: string): ServiceName | undefined {
  const parts = split(key);
  if (parts === undefined) return undefined;
  const expected = Buffer.from(digests[parts.name] ?? '', 'hex');
  if (expected.length !== SHA256_BYTES) return undefined;
  return timingSafeEqual(digest(parts.secret), expected) ? parts.name : undefined;
}
