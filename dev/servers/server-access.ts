/**
 * How our processes connect to Postgres, Redis and NATS. At the private servers each process has its own user: its address names
 * the user, and the password is in a file that only this process is given.
 */
import {
  addressAs,
  passwordFile,
  STORE_USERS,
  type Store,
} from '../../services/provision/store-passwords.ts';
import { type DatabaseService, roleUrl } from '../../services/shared/stores/postgres/database-roles.ts';

export interface ServerAddress {
  readonly url: string;
  /** The same for the services, over a Unix socket that `url` does not name. */
  readonly socketUrl?: string | undefined;
  /** Whether each service has its own user there; otherwise all use the address as it is. */
  readonly ownUsers: boolean;
  /** In Postgres, the schema of the tables, which is part of the names of the users. */
  readonly schema?: string;
}

export interface ServerAddresses {
  readonly postgres: ServerAddress;
  readonly redis: ServerAddress;
  readonly nats: ServerAddress;
}

export const SERVER_VARIABLES = ['DATABASE_URL', 'REDIS_URL', 'NATS_URL'] as const;
type ServerVariable = (typeof SERVER_VARIABLES)[number];

const STORES = { DATABASE_URL: 'postgres', REDIS_URL: 'redis', NATS_URL: 'nats' } as const;

/** Returns the variable of the address and the variable that names the file of the password. */
export function serverEnvironment(
  variable: ServerVariable,
  user: string,
  servers: ServerAddresses,
  secretsDir: string,
): Record<string, string> {
  const store = STORES[variable];
  const { url, socketUrl = url, ownUsers, schema } = servers[store];
  if (!ownUsers) return { [variable]: url };
  if (!isUserOf(store, user)) throw new Error(`${store} has no user ${user}`);
  const address =
    store === 'postgres' ? roleUrl(socketUrl, user as DatabaseService, schema) : addressAs(socketUrl, user);
  if (address === undefined) throw new Error(`the address of ${store} does not name a database`);
  return {
    [variable]: address,
    [variable.replace('_URL', '_PASSWORD_FILE')]: passwordFile(secretsDir, store, user),
  };
}

function isUserOf<Of extends Store>(store: Of, user: string): user is (typeof STORE_USERS)[Of][number] {
  return (STORE_USERS[store] as readonly string[]).includes(user);
}
