/** Reads settings of the environment as typed values. The error for a wrong value names the variable and the values that it may have. */
import { readFileSync } from 'node:fs';
import { Secret } from './secret.ts';
import { defaultOf, type SecretName, type SettingName } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The value that is set; an empty one counts as not set. */
function read(env: Environment, name: SettingName): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

/** `fallback` is for a default that is not a constant. */
export function text(env: Environment, name: SettingName, fallback?: string): string {
  const value = read(env, name) ?? fallback ?? defaultOf(name);
  if (value === undefined) throw new Error(`${name} must be set`);
  return value;
}

/** The value that is set, without any default. */
export function optionalText(env: Environment, name: SettingName): string | undefined {
  return read(env, name);
}

interface Range {
  readonly min?: number;
  readonly max?: number;
  /** For a default that is not a constant. */
  readonly fallback?: number;
}

/** A whole number within [min, max]. */
export function integer(
  env: Environment,
  name: SettingName,
  { min = 0, max = Number.MAX_SAFE_INTEGER, fallback }: Range = {},
): number {
  const value = text(env, name, fallback === undefined ? undefined : String(fallback));
  const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min && number <= max)) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
  }
  return number;
}

/** A TCP port; 0 lets the system choose. */
export function port(env: Environment, name: SettingName, fallback?: number): number {
  return integer(env, name, { max: 65_535, ...(fallback !== undefined && { fallback }) });
}

/** `fallback` is for a default that is not a constant. */
export function flag(env: Environment, name: SettingName, fallback?: boolean): boolean {
  const value = text(env, name, fallback === undefined ? undefined : String(fallback));
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new Error(`${name} must be true or false, not "${value}"`);
}

/** A comma-separated list; "-" means an empty one. */
export function list(env: Environment, name: SettingName, fallback?: string): string[] {
  const value = text(env, name, fallback);
  if (value === '-') return [];
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A secret from NAME, or from the file whose path is in NAME_FILE. */
export function secret(env: Environment, name: SecretName): Secret {
  const value = optionalSecret(env, name);
  if (value === undefined) throw new Error(`${name} or ${name}_FILE must be set`);
  return value;
}

/** A secret that may be missing. */
export function optionalSecret(env: Environment, name: SecretName): Secret | undefined {
  const path = read(env, `${name}_FILE`);
  const value = path === undefined ? read(env, name) : readFileSync(path, 'utf8').trim();
  if (value === '') throw new Error(`the file that ${name}_FILE names is empty`);
  return value === undefined ? undefined : new Secret(value);
}

/** Postgres accepts more than a plain URL: a list of hosts, separated by commas. */
const MORE_HOSTS = /,[^,/?@]+(?=[,/?]|$)/g;

/** The address of a server. It may contain a password, so it is a secret, and an error never quotes it. */
export function secretUrl(env: Environment, name: SecretName): Secret {
  const url = secret(env, name);
  if (URL.canParse(url.reveal()) || URL.canParse(url.reveal().replace(MORE_HOSTS, ''))) return url;
  throw new Error(`${name} must be an address such as scheme://user:password@host:port`);
}

/** Puts a password that is kept apart from an address into it. Without a password the address stays as it is. */
export function withPassword(url: Secret | string, password: Secret | string | undefined): Secret {
  if (password === undefined) return Secret.of(url);
  const whole = URL.parse(Secret.of(url).reveal());
  if (whole === null || whole.hostname === '') {
    throw new Error('a password can only be put into an address like scheme://user@host:port');
  }
  whole.password = encodeURIComponent(Secret.of(password).reveal());
  return new Secret(whole.href);
}
