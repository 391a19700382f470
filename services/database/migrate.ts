/**
 * Migrates a schema to the newest version: plain SQL files in the order of their names, each applied once. It looks before it
 * changes anything: a schema with objects of another product is refused. All missing migrations are one transaction, so a
 * migration that fails leaves nothing behind. Several processes may run it at the same time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Secret } from '../shared/settings/secret.ts';
import { DEFAULT_SCHEMA, searchPath } from '../shared/stores/postgres/database-schema.ts';
import { encodingTrouble } from '../shared/stores/postgres/encoding.ts';
import { openPostgres, type Sql, sqlCode } from '../shared/stores/postgres/postgres.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { applyBoards } from './apply-boards.ts';
import type { DeclaredBoard } from './boards-file.ts';
import { applyRoles, type RoleOptions } from './roles.ts';
import { findFormerSchema, lookAtSchema, type Migration, RECORD, UnfitSchemaError } from './schema-look.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);
/** Any number that no other application of the database uses. */
const LOCK_KEY = 7_301_201;
/** A migration may rewrite a large table. */
const STATEMENT_TIMEOUT_MS = 10 * 60 * 1000;
/** A server that accepts the connection and answers nothing is given up. */
const ANSWER_LIMIT_MS = 30_000;
const END_LIMIT_S = 5;
/** Each attempt that finds the schema changed lets another process finish its migrations. */
const ATTEMPTS = 5;
/** Raised in the transaction when another process has migrated since the look. Not a code of Postgres. */
const CHANGED = 'SB001';
const NO_RIGHT = '42501';

export interface MigrateOptions {
  /** Connects as the owner of the tables. */
  url: Secret | string;
  /** Created if it is missing. */
  schema?: string;
  log: Log;
  /** Creates the services' roles and grants their rights. Without it, roles and rights are left alone. */
  roles?: RoleOptions | undefined;
  /** Created if they are missing, and brought to these settings. */
  boards?: readonly DeclaredBoard[] | undefined;
}

/** Applies missing migrations. Throws if the database has a migration that this version does not know. */
export async function migrate({
  url,
  schema = DEFAULT_SCHEMA,
  log,
  roles,
  boards = [],
}: MigrateOptions): Promise<void> {
  const session = {
    url,
    connections: 1,
    applicationName: 'scoreboard-migrate',
    schema,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  };
  const sql = await openPostgres(session, ANSWER_LIMIT_MS);
  try {
    await refuseOtherEncodings(sql);
    await applyMissing(sql, schema, log);
    if (boards.length > 0) await applyBoards(sql, schema, boards);
    if (roles !== undefined) await updateRoles(sql, schema, { roles, log });
  } finally {
    await sql.end({ timeout: END_LIMIT_S });
  }
}

async function refuseOtherEncodings(sql: Sql): Promise<void> {
  const [row] = await sql<{ encoding: string }[]>`select current_setting('server_encoding') as encoding`;
  const trouble = encodingTrouble(row?.encoding);
  if (trouble !== undefined) throw new Error(trouble);
}

/** On a shared server the owner of the tables may lack the right to create roles: the tables are migrated all the same. */
async function updateRoles(
  sql: Sql,
  schema: string,
  { roles, log }: { roles: RoleOptions; log: Log },
): Promise<void> {
  try {
    await applyRoles(sql, schema, roles);
  } catch (error) {
    if (roles.ownServer) throw error;
    log.warn({ err: error }, 'the roles of the services could not be created');
  }
}

async function applyMissing(sql: Sql, schema: string, log: Log): Promise<void> {
  const migrations = readMigrations();
  for (let attempt = 1; ; attempt += 1) {
    const applied = await lookAtSchema(sql, schema, migrations);
    if (applied.length === 0) await refuseFormerSchema(sql, schema);
    const missing = migrations.filter(({ name }) => !applied.includes(name));
    if (missing.length === 0) return;
    try {
      await sql.unsafe(transactionOf(schema, applied, missing)).simple();
      for (const { name } of missing) log.info({ migration: name }, 'migration applied');
      return;
    } catch (error) {
      // The server is still within the transaction, and skips what follows until its end.
      await sql.unsafe('rollback').catch(ignoreLost);
      if (sqlCode(error) === NO_RIGHT) throw noRight(error, schema);
      if (sqlCode(error) !== CHANGED || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Without the connection there is no transaction. */
function ignoreLost(): void {}

function readMigrations(): readonly Migration[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, text: readFileSync(new URL(name, MIGRATIONS), 'utf8') }));
}

/** Without this check an upgrade would begin anew, without players, in a schema that was not configured. */
async function refuseFormerSchema(sql: Sql, schema: string): Promise<void> {
  const former = await findFormerSchema(sql, schema);
  if (former === undefined) return;
  throw new UnfitSchemaError(
    `the tables are in the schema ${former}, to which the search path of the database or its user is set: set DATABASE_SCHEMA=${former}`,
  );
}

/**
 * One text, so that it is one transaction whatever happens to the connection. The lock is held until it ends. It serializes
 * processes that migrate, also behind a pooler.
 */
function transactionOf(schema: string, applied: readonly string[], missing: readonly Migration[]): string {
  const names = applied.map(literal).join(', ');
  return [
    'begin',
    // A pooler takes no search path from the connection.
    `set local search_path = ${searchPath(schema)}`,
    `select pg_advisory_xact_lock(${LOCK_KEY})`,
    `create schema if not exists "${schema}"`,
    `create table if not exists ${RECORD} (name text primary key, applied_at timestamptz not null default now())`,
    `do $$ begin
       if array(select name::text from ${RECORD} order by 1) is distinct from array[${names}]::text[] then
         raise exception 'another process has migrated the schema' using errcode = '${CHANGED}';
       end if;
     end $$`,
    ...missing.flatMap(({ name, text }) => [
      `${text}\n`,
      `insert into ${RECORD} (name) values (${literal(name)})`,
    ]),
    'commit',
  ].join(';\n');
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function noRight(cause: unknown, schema: string): UnfitSchemaError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new UnfitSchemaError(
    `${message}: let the user of DATABASE_URL create the schema ${schema}, or create in it, or set DATABASE_SCHEMA to a schema of that user`,
    { cause },
  );
}
