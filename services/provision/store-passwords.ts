/**
 * The users of the private Postgres, Redis and NATS, and a file with a password for each, made on the first start and
 * kept: DIR/USER.STORE. What a user may do stands in one file per store: services/database/grants.ts, redis-users.ts and
 * nats-users.ts. The owner of the Postgres is made with its cluster.
 */
import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateFolder } from '../shared/files/replace-file.ts';
import { DATABASE_SERVICES } from '../shared/stores/database-roles.ts';
import { ensureFile } from './kept-file.ts';

export const STORE_USERS = {
  postgres: DATABASE_SERVICES,
  redis: ['rank', 'edge', 'loader', 'admin'],
  nats: ['score', 'rank', 'fanout', 'admin'],
} as const;

export type Store = keyof typeof STORE_USERS;
export type StoreUser<Of extends Store> = (typeof STORE_USERS)[Of][number];
export type StorePasswords<Of extends Store> = Readonly<Record<StoreUser<Of>, string>>;

/** Beyond guessing. */
const PASSWORD_BYTES = 24;
/** Also one that an operator put in: printable, without spaces. */
const PASSWORD = /^[\x21-\x7e]+$/;

export function passwordFile<Of extends Store>(dir: string, store: Of, user: StoreUser<Of>): string {
  return join(dir, `${user}.${store}`);
}

/** Creates what is missing. */
export async function ensurePasswords<Of extends Store>(dir: string, store: Of): Promise<StorePasswords<Of>> {
  ensurePrivateFolder(dir);
  await chmod(dir, 0o700);
  const users: readonly StoreUser<Of>[] = STORE_USERS[store];
  const entries = users.map(async (user) => [user, await ensurePassword(passwordFile(dir, store, user))]);
  return Object.fromEntries(await Promise.all(entries)) as StorePasswords<Of>;
}

/** The password in a file, made when there is none. */
export async function ensurePassword(path: string): Promise<string> {
  return ensureFile(path, {
    create: createPassword,
    check(text) {
      if (!PASSWORD.test(text)) throw new Error('it holds no password');
    },
    remedy: 'restore it from a backup, or remove it and the next start makes a new one',
  });
}

/** Of letters and digits that need no quoting anywhere. */
export function createPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}

/** An address for one of a server's users; without a password it comes apart, from its file. */
export function addressAs(url: string, user: string, password = ''): string {
  const address = new URL(url);
  address.username = user;
  address.password = password;
  return address.href;
}
