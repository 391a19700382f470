/**
 * Brings a database to the newest schema: plain SQL files in the order of their names, each applied once in a
 * transaction of its own. Several processes may start it at the same time; an advisory lock lets one through at a time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Secret } from '../shared/settings/secret.ts';
import { connectPostgres, type Sql } from '../shared/stores/postgres.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { applyRoles, type RoleOptions } from './roles.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);
/** Any number, as long as it is ours alone. */
const LOCK_KEY = 7_301_201;
/** A migration may rewrite a large table. */
const STATEMENT_TIMEOUT_MS = 10 * 60 * 1000;

export interface MigrateOptions {
  /** Of the owner of the tables. */
  url: Secret | string;
  log: Log;
  /** The services' roles are made and brought to their rights; left out, nothing is said about rights. */
  roles?: RoleOptions | undefined;
}

/** Applies what is missing; throws when an applied file is no longer here. */
export async function migrate({ url, log, roles }: MigrateOptions): Promise<void> {
  const sql = connectPostgres({
    url,
    connections: 1,
    applicationName: 'scoreboard-migrate',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    // One connection, so the session's lock covers everything that follows.
    await sql`select pg_advisory_lock(${LOCK_KEY})`;
    await applyMissing(sql, log);
    if (roles !== undefined) await bringRoles(sql, roles, log);
  } finally {
    await sql.end();
  }
}

/** On a server that is not ours the owner may lack the right to make roles; whoever starts the services finds out. */
async function bringRoles(sql: Sql, roles: RoleOptions, log: Log): Promise<void> {
  try {
    await applyRoles(sql, roles);
  } catch (error) {
    if (roles.ownServer) throw error;
    log.warn({ err: error }, 'roles of their own for the services could not be made');
  }
}

async function applyMissing(sql: Sql, log: Log): Promise<void> {
  await sql`create table if not exists schema_migrations (
    name text primary key, applied_at timestamptz not null default now())`;
  const applied = new Set(
    (await sql<{ name: string }[]>`select name from schema_migrations`).map(({ name }) => name),
  );
  const files = readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  for (const name of applied) {
    if (!files.includes(name))
      throw new Error(`the database has migration ${name}, which this version does not know`);
  }
  for (const name of files.filter((file) => !applied.has(file))) {
    const text = readFileSync(new URL(name, MIGRATIONS), 'utf8');
    const record = `insert into schema_migrations (name) values ('${name.replaceAll("'", "''")}')`;
    await sql.unsafe(`begin;\n${text}\n;${record};\ncommit;`).simple();
    log.info({ migration: name }, 'migration applied');
  }
}
