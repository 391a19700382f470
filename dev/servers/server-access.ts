/**
 * How our processes reach Postgres, Redis and NATS. At the private servers each is somebody of its own: its address
 * names its user, and the password comes from a file that is given to it alone.
 */

import {
  addressAs,
  passwordFile,
  STORE_USERS,
  type Store,
} from '../../services/provision/store-passwords.ts';
import { type DatabaseService, roleUrl } from '../../services/shared/stores/database-roles.ts';

export interface ServerAddress {
  readonly url: string;
  /** Each service is somebody of its own there; otherwise all use the address as it is. */
  readonly ownUsers: boolean;
}

export interface ServerAddresses {
  readonly postgres: ServerAddress;
  readonly redis: ServerAddress;
  readonly nats: ServerAddress;
}

export const SERVER_VARIABLES = { DATABASE_URL: 'postgres', REDIS_URL: 'redis', NATS_URL: 'nats' } as const;
export type ServerVariable = keyof typeof SERVER_VARIABLES;

export function isServerVariable(name: string): name is ServerVariable {
  return name in SERVER_VARIABLES;
}

/** The variable and, beside it, the one that names the file of the password. */
export function serverEnvironment(
  variable: ServerVariable,
  user: string,
  servers: ServerAddresses,
  secretsDir: string,
): Record<string, string> {
  const store = SERVER_VARIABLES[variable];
  const { url, ownUsers } = servers[store];
  if (!ownUsers) return { [variable]: url };
  if (!isUserOf(store, user)) throw new Error(`${user} is nobody at ${store}`);
  const address = store === 'postgres' ? roleUrl(url, user as DatabaseService) : addressAs(url, user);
  if (address === undefined) throw new Error(`the address of ${store} names no database`);
  return {
    [variable]: address,
    [variable.replace('_URL', '_PASSWORD_FILE')]: passwordFile(secretsDir, store, user),
  };
}

function isUserOf<Of extends Store>(store: Of, user: string): user is (typeof STORE_USERS)[Of][number] {
  return (STORE_USERS[store] as readonly string[]).includes(user);
}
