/** DATABASE_URL and DATABASE_PASSWORD. An address that can't be used is reported when settings are read, and never quoted. */

import { type Environment, optionalSecret, secret } from '../../settings/env.ts';
import { Secret } from '../../settings/secret.ts';
import { parseAddress } from './address/address.ts';
import { formatParts, PostgresAddressError, parseParts } from './address/parts.ts';

/** The address with its password. */
export function databaseUrl(env: Environment): Secret {
  return checkedUrl('DATABASE_URL', secret(env, 'DATABASE_URL'), optionalSecret(env, 'DATABASE_PASSWORD'));
}

/** The address as it is given; undefined if it is not. */
export function optionalDatabaseUrl(env: Environment): Secret | undefined {
  const url = optionalSecret(env, 'DATABASE_URL');
  return url && checkedUrl('DATABASE_URL', url, undefined);
}

/** The address for migrations, with its own password; undefined if DATABASE_URL serves for them too. */
export function directDatabaseUrl(env: Environment): Secret | undefined {
  const url = optionalSecret(env, 'DATABASE_DIRECT_URL');
  return url && checkedUrl('DATABASE_DIRECT_URL', url, undefined);
}

/** Puts a password that is kept apart from an address into it. */
export function withDatabasePassword(url: Secret | string, password: Secret | string): Secret {
  const parts = parseParts(Secret.of(url).reveal());
  return new Secret(formatParts({ ...parts, password: Secret.of(password).reveal() }));
}

function checkedUrl(name: string, url: Secret, password: Secret | undefined): Secret {
  try {
    parseAddress(url);
    return password === undefined ? url : withDatabasePassword(url, password);
  } catch (error) {
    if (!(error instanceof PostgresAddressError)) throw error;
    throw new Error(`${name} ${error.message}`, { cause: error });
  }
}
