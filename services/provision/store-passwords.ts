/**
 * The users of the private Postgres, Redis and NATS, and a file with a password for each, created on the first start and kept:
 * DIR/USER.STORE. Their rights are in one file per server: services/database/grants.ts, redis-users.ts and nats-users.ts. The
 * owner of the Postgres is created with its cluster.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ensureClosedFolder } from '../shared/files/replace-file.ts';
import { DATABASE_SERVICES } from '../shared/stores/postgres/database-roles.ts';
import { ensureFile } from './kept-file.ts';

export const STORE_USERS = {
  postgres: DATABASE_SERVICES,
  redis: ['rank', 'edge', 'loader', 'admin'],
  nats: ['score', 'rank', 'fanout', 'admin'],
} as const;

export type Store = keyof typeof STORE_USERS;
export type StoreUser<Of extends Store> = (typeof STORE_USERS)[Of][number];
export type StorePasswords<Of extends Store> = Readonly<Record<StoreUser<Of>, string>>;

/** Random bytes: a password that can't be guessed. */
const PASSWORD_BYTES = 24;
/** Valid for passwords of operators too: printable, without spaces. */
const PASSWORD = /^[\x21-\x7e]+$/;

export function passwordFile<Of extends Store>(dir: string, store: Of, user: StoreUser<Of>): string {
  return join(dir, `${user}.${store}`);
}

/** Creates missing passwords. */
export async function ensurePasswords<Of extends Store>(dir: string, store: Of): Promise<StorePasswords<Of>> {
  ensureClosedFolder(dir);
  const users: readonly StoreUser<Of>[] = STORE_USERS[store];
  const entries = users.map(async (user) => [user, await ensurePassword(passwordFile(dir, store, user))]);
  return Object.fromEntries(await Promise.all(entries)) as StorePasswords<Of>;
}

/** The password in the file, which is created if there is none. */
export async function ensurePassword(path: string): Promise<string> {
  return ensureFile(path, {
    create: createPassword,
    check(text) {
      if (!PASSWORD.test(text)) throw new Error('it holds no password');
    },
    remedy: 'restore it from a backup, or remove it and the next start creates a new one',
  });
}

/** Of letters and digits, which need no quoting anywhere. */
export function createPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}

/** The address of a server for one of its users. Without a password here, the password is read from its file. */
export function addressAs(url: string, user: string, password = ''): string {
  const address = new URL(url);
  address.username = user;
  address.password = password;
  return address.href;
}
