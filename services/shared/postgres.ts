/**
 * The one door to postgres.js. Every query is one autocommit statement with a deadline of its own: a connection that
 * hangs is given up by us, since neither the server's nor the library's limits notice a half-open link.
 */
import postgres from 'postgres';
import type { AppError } from './app-error.ts';

export type Sql = postgres.Sql<{ bigint: bigint }>;

export interface PostgresOptions {
  url: string;
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

export function connectPostgres({
  url,
  connections,
  applicationName,
  statementTimeoutMs,
}: PostgresOptions): Sql {
  return postgres(url, {
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

/** Settles with the query, or refuses with the given reason when the limit passes first. */
export async function withDeadline<Row>(
  query: PromiseLike<Row>,
  limitMs: number,
  onTimeout: () => AppError,
): Promise<Row> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onTimeout()), limitMs);
  });
  try {
    return await Promise.race([query, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The SQLSTATE of a Postgres error, or the library's own code, such as CONNECTION_CLOSED. */
export function sqlCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export const UNIQUE_VIOLATION = '23505';
