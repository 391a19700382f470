/**
 * The one door to postgres.js. Every query is one autocommit statement with a deadline of its own: a connection that
 * hangs is given up by us, since neither the server's nor the library's limits notice a half-open link.
 */
import postgres from 'postgres';
import { AppError } from '../errors/app-error.ts';
import { withDeadline } from '../flow/with-deadline.ts';
import { Secret } from '../settings/secret.ts';

export type Sql = postgres.Sql<{ bigint: bigint }>;

export interface PostgresOptions {
  url: Secret | string;
  /** Connections at most. */
  connections: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** A hint to the server, so that a statement given up here does not run on for ever there. */
  statementTimeoutMs: number;
}

const CONNECT_TIMEOUT_S = 2;
/** Reconnect quickly and steadily: Postgres restarts in a second or two. */
const RECONNECT_DELAY_S = 0.2;
/** Connections are renewed now and then, so that a pool follows a moved server. */
const MAX_CONNECTION_AGE_S = 30 * 60;
/** A pool that hangs is replaced, but not more often than this. */
const REPLACE_COOL_DOWN_MS = 1_000;
/** New sessions find out that the server takes writes again, within the five seconds in which all is well. */
const REPLACE_READ_ONLY_COOL_DOWN_MS = 2_000;
/** A read-only server answers readers: they keep the old connections until they have their rows. */
const READ_GRACE_S = 5;
/** While others are answered it may be one connection that hangs, or only a queue: no reason to cut the others often. */
const REPLACE_ALIVE_COOL_DOWN_MS = 10_000;

/**
 * An array parameter in Postgres' own text form, to be cast in the statement: `${arrayLiteral(ids)}::text[]`. The library
 * could only do this after asking the server for its types at each connection.
 */
export function arrayLiteral(values: ReadonlyArray<string | number | bigint>): string {
  return `{${values.map((value) => (typeof value === 'string' ? quoted(value) : String(value))).join(',')}}`;
}

function quoted(value: string): string {
  return `"${/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;
}

export function connectPostgres({
  url,
  connections,
  applicationName,
  statementTimeoutMs,
}: PostgresOptions): Sql {
  return postgres(Secret.of(url).reveal(), {
    max: connections,
    connect_timeout: CONNECT_TIMEOUT_S,
    max_lifetime: MAX_CONNECTION_AGE_S,
    backoff: () => RECONNECT_DELAY_S,
    fetch_types: false,
    onnotice: () => {},
    types: { bigint: postgres.BigInt },
    connection: { application_name: applicationName, statement_timeout: statementTimeoutMs },
  });
}

export interface PostgresPool {
  /**
   * Runs one statement. Fails with STORE_UNAVAILABLE (it did not run), OUTCOME_UNKNOWN or DEADLINE_EXCEEDED (it may
   * have run), or with the database's own error.
   */
  run<Rows>(statement: (sql: Sql) => PromiseLike<Rows>, limitMs: number): Promise<Rows>;
  /** Resolves when a statement could write now; fails like one that can not. */
  checkWritable(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

export function createPostgresPool(options: PostgresOptions): PostgresPool {
  let sql = connectPostgres(options);
  let replacedAt = 0;
  let answeredAt = -Infinity;

  /** Statements that are still under way on the old connections after the grace fail as OUTCOME_UNKNOWN. */
  function replace(coolDownMs: number, graceS: number): void {
    if (performance.now() - replacedAt < coolDownMs) return;
    replacedAt = performance.now();
    const old = sql;
    sql = connectPostgres(options);
    old.end({ timeout: graceS }).catch(ignoreDestroyed);
  }

  function replaceHung(limitMs: number): void {
    const isAlive = performance.now() - answeredAt < limitMs;
    replace(isAlive ? REPLACE_ALIVE_COOL_DOWN_MS : REPLACE_COOL_DOWN_MS, 0);
  }

  async function run<Rows>(statement: (sql: Sql) => PromiseLike<Rows>, limitMs: number): Promise<Rows> {
    try {
      const rows = await withDeadline(statement(sql), limitMs);
      answeredAt = performance.now();
      closeGap(rows);
      return rows;
    } catch (error) {
      if (error instanceof AppError && error.reason === 'DEADLINE_EXCEEDED') replaceHung(limitMs);
      // A session may have been read-only from its start on, or the address may lead to the new primary by now.
      if (sqlCode(error) === READ_ONLY) replace(REPLACE_READ_ONLY_COOL_DOWN_MS, READ_GRACE_S);
      throw toStoreError(error);
    }
  }

  return {
    run,
    async checkWritable(limitMs) {
      // "on" in a standby as well.
      const [row] = await run(
        (sql) => sql<{ mode: string }[]>`select current_setting('transaction_read_only') as mode`,
        limitMs,
      );
      if (row?.mode !== 'on') return;
      replace(REPLACE_READ_ONLY_COOL_DOWN_MS, READ_GRACE_S);
      throw toStoreError(Object.assign(new Error('the session is read-only'), { code: READ_ONLY }));
    },
    close: () => sql.end({ timeout: 2 }),
  };
}

/**
 * After a connection broke in the middle of a result, the library counts on from there: the next result over the connection that
 * replaces it begins with as many empty places.
 */
function closeGap(rows: unknown): void {
  if (!Array.isArray(rows) || rows.length === 0 || 0 in rows) return;
  const first = rows.findIndex((_, at) => at in rows);
  rows.splice(0, first < 0 ? rows.length : first);
}

/** What `end` rejects with is the fate of the queries it cut, which their own callers have been told. */
function ignoreDestroyed(): void {}

/** The SQLSTATE of a Postgres error, or the library's own code, such as CONNECTION_CLOSED. */
export function sqlCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export const UNIQUE_VIOLATION = '23505';
/** A statement would write where nothing can be written: in a standby, or by a setting. */
const READ_ONLY = '25006';

/** The statement never ran: no connection, server starting, or its transaction was rolled back whole. */
const NOT_RUN = new Set(['ECONNREFUSED', 'ENOENT', 'CONNECT_TIMEOUT', '57P03', '40001', '40P01', READ_ONLY]);
/**
 * The server can't do it now, whatever the statement: out of disk, memory or connections (53), trouble with its files (58),
 * or with itself (XX). The transaction was rolled back whole.
 */
const SERVER_TROUBLE = /^(53|58|XX)...$/;
/** The server refuses our user or knows no such database, before any statement. */
const REFUSED = /^(28...|3D000)$/;
/** The connection went away underneath; a commit may or may not have happened. */
const UNKNOWN = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNRESET',
  'EPIPE',
  // Also what a system says of a connection that was already in use.
  'EHOSTUNREACH',
  'ETIMEDOUT',
  '57P01',
  '57P02',
]);
/** Cancelled by the server's statement timeout: rolled back, but the caller's time is over as well. */
const CANCELLED = '57014';

/** A database failure as something a caller can act on; anything that is not about reaching the database stays as it is. */
export function toStoreError(error: unknown): unknown {
  const code = sqlCode(error);
  if (error instanceof AppError || code === undefined) return error;
  if (NOT_RUN.has(code) || SERVER_TROUBLE.test(code) || REFUSED.test(code))
    return new AppError('STORE_UNAVAILABLE', { cause: error, retryAfterMs: 1000 });
  if (UNKNOWN.has(code)) return new AppError('OUTCOME_UNKNOWN', { cause: error });
  if (code === CANCELLED) return new AppError('DEADLINE_EXCEEDED', { cause: error });
  return error;
}

/** Why Postgres does not serve us, by the error of a statement, and what to do about it. */
export function describePostgresTrouble(error: unknown): string {
  const cause = causeOf(error);
  const code = sqlCode(cause);
  if (code === READ_ONLY) return POSTGRES_READ_ONLY;
  if (isRefused(error))
    return 'it refuses our user: check the name, the password and the database in DATABASE_URL';
  if (code === '57P03') return 'it is starting up, or recovering';
  if (code === '53300') return 'it has no connection left: raise max_connections';
  if (code?.startsWith('53') || code?.startsWith('58'))
    return 'it has no disk space or memory left: look into its log';
  return cause instanceof postgres.PostgresError ? `it answers "${cause.message}"` : 'it does not answer';
}

export const POSTGRES_READ_ONLY =
  'it is read-only: let DATABASE_URL name the primary, or set default_transaction_read_only to off';

/** Waiting does not help: the address, or the users of the server, must be changed. */
export function isRefused(error: unknown): boolean {
  return REFUSED.test(sqlCode(causeOf(error)) ?? '');
}

const causeOf = (error: unknown): unknown => (error instanceof AppError ? error.cause : error);
