/** Reads a process's environment into typed values. A wrong value names the variable and what it should look like. */
import { readFileSync } from 'node:fs';
import { Secret } from './secret.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

function read(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

export function text(env: Environment, name: string, fallback?: string): string {
  const value = read(env, name) ?? fallback;
  if (value === undefined) throw new Error(`${name} must be set`);
  return value;
}

export function optionalText(env: Environment, name: string): string | undefined {
  return read(env, name);
}

/** A whole number within [min, max]. */
export function integer(
  env: Environment,
  name: string,
  fallback: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  const value = read(env, name);
  if (value === undefined) return fallback;
  const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min && number <= max)) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
  }
  return number;
}

/** A TCP port; 0 lets the system choose. */
export function port(env: Environment, name: string, fallback: number): number {
  return integer(env, name, fallback, { min: 0, max: 65_535 });
}

export function flag(env: Environment, name: string, fallback: boolean): boolean {
  const value = read(env, name);
  if (value === undefined) return fallback;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new Error(`${name} must be true or false, not "${value}"`);
}

/** A comma-separated list. Unset means the fallback, "-" means none. */
export function list(env: Environment, name: string, fallback: readonly string[]): string[] {
  const value = read(env, name);
  if (value === undefined) return [...fallback];
  if (value === '-') return [];
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A secret from NAME or from the file that NAME_FILE points at. */
export function secret(env: Environment, name: string): Secret {
  const value = optionalSecret(env, name);
  if (value === undefined) throw new Error(`${name} or ${name}_FILE must be set`);
  return value;
}

/** Likewise; undefined when neither is set. */
export function optionalSecret(env: Environment, name: string): Secret | undefined {
  const path = read(env, `${name}_FILE`);
  const value = path === undefined ? read(env, name) : readFileSync(path, 'utf8').trim();
  if (value === '') throw new Error(`the file that ${name}_FILE names is empty`);
  return value === undefined ? undefined : new Secret(value);
}

/** What Postgres takes beyond a plain URL: more hosts, each after a comma. */
const MORE_HOSTS = /,[^,/?@]+(?=[,/?]|$)/g;

/** The address of a server, which may hold a password: secret, and never quoted when it can't be read. */
export function secretUrl(env: Environment, name: string): Secret {
  const url = secret(env, name);
  if (URL.canParse(url.reveal()) || URL.canParse(url.reveal().replace(MORE_HOSTS, ''))) return url;
  throw new Error(`${name} must be an address such as scheme://user:password@host:port`);
}

/** A server's address with the password that came apart from it; as it is when none did. */
export function withPassword(url: Secret | string, password: Secret | string | undefined): Secret {
  if (password === undefined) return Secret.of(url);
  const whole = URL.parse(Secret.of(url).reveal());
  if (whole === null || whole.hostname === '') {
    throw new Error('a password can only be put into an address like scheme://user@host:port');
  }
  whole.password = encodeURIComponent(Secret.of(password).reveal());
  return new Secret(whole.href);
}
