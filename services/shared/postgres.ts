/**
 * The one door to postgres.js. Every query is one autocommit statement with a deadline of its own: a connection that
 * hangs is given up by us, since neither the server's nor the library's limits notice a half-open link.
 */
import postgres from 'postgres';
import { AppError } from './app-error.ts';
import { Secret } from './secret.ts';
import { withDeadline } from './with-deadline.ts';

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
  close(): Promise<void>;
}

export function createPostgresPool(options: PostgresOptions): PostgresPool {
  let sql = connectPostgres(options);
  let replacedAt = 0;
  let answeredAt = -Infinity;

  function replace(limitMs: number): void {
    const isAlive = performance.now() - answeredAt < limitMs;
    const coolDownMs = isAlive ? REPLACE_ALIVE_COOL_DOWN_MS : REPLACE_COOL_DOWN_MS;
    if (performance.now() - replacedAt < coolDownMs) return;
    replacedAt = performance.now();
    const hung = sql;
    sql = connectPostgres(options);
    // Destroys its sockets at once; statements still under way there fail as OUTCOME_UNKNOWN.
    hung.end({ timeout: 0 }).catch(ignoreDestroyed);
  }

  return {
    async run(statement, limitMs) {
      try {
        const rows = await withDeadline(statement(sql), limitMs);
        answeredAt = performance.now();
        closeGap(rows);
        return rows;
      } catch (error) {
        if (error instanceof AppError && error.reason === 'DEADLINE_EXCEEDED') replace(limitMs);
        throw toStoreError(error);
      }
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

/** The statement never ran: no connection, server starting, or its transaction was rolled back whole. */
const NOT_RUN = new Set(['ECONNREFUSED', 'ENOENT', 'CONNECT_TIMEOUT', '57P03', '40001', '40P01', '25006']);
/**
 * The server can't do it now, whatever the statement: out of disk, memory or connections (53), trouble with its files (58),
 * or with itself (XX). The transaction was rolled back whole.
 */
const SERVER_TROUBLE = /^(53|58|XX)...$/;
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
  if (NOT_RUN.has(code) || SERVER_TROUBLE.test(code))
    return new AppError('STORE_UNAVAILABLE', { cause: error, retryAfterMs: 1000 });
  if (UNKNOWN.has(code)) return new AppError('OUTCOME_UNKNOWN', { cause: error });
  if (code === CANCELLED) return new AppError('DEADLINE_EXCEEDED', { cause: error });
  return error;
}
