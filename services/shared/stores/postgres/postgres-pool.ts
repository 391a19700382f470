/**
 * Statements over a pool of connections. Every query is one autocommit statement with a limit of its own. We give up a connection
 * that hangs, since neither the server's nor the library's limits notice a half-open connection.
 */
import { AppError } from '../../errors/app-error.ts';
import { Deadline } from '../../flow/deadline.ts';
import { parseAddress } from './address/address.ts';
import { DEFAULT_SCHEMA } from './database-schema.ts';
import { connectTo, ignoreDestroyed, type PostgresOptions, pooledAfter, type Sql } from './postgres.ts';
import { READ_ONLY, refusedParameter, sqlCode, toStoreError } from './postgres-errors.ts';

/** Least time between two replacements of a pool that hangs. */
const REPLACE_COOL_DOWN_MS = 1_000;
/** New sessions notice that the server takes writes again. Less than the five seconds in which the system recovers. */
const REPLACE_READ_ONLY_COOL_DOWN_MS = 2_000;
/** A read-only server answers readers: they keep the old connections until they have their rows. */
const READ_GRACE_S = 5;
/** While other queries are answered, one connection may hang, or only queue: that must not cut the others often. */
const REPLACE_ALIVE_COOL_DOWN_MS = 10_000;

export type PostgresPool = ReturnType<typeof createPostgresPool>;

export function createPostgresPool(options: PostgresOptions) {
  let address = parseAddress(options.url);
  let sql = connectTo(address, options);
  let replacedAt = 0;
  let answeredAt = -Infinity;

  /** Statements that are still under way on the old connections after the grace fail as OUTCOME_UNKNOWN. */
  function replace(coolDownMs: number, graceS: number): void {
    if (performance.now() - replacedAt < coolDownMs) return;
    replacedAt = performance.now();
    const old = sql;
    sql = connectTo(address, options);
    old.end({ timeout: graceS }).catch(ignoreDestroyed);
  }

  function replaceHung(limitMs: number): void {
    const isAlive = performance.now() - answeredAt < limitMs;
    replace(isAlive ? REPLACE_ALIVE_COOL_DOWN_MS : REPLACE_COOL_DOWN_MS, 0);
  }

  /** From the first refusal of a pooler on, connections ask only for what a pooler has. */
  function goOnPooled(used: Sql, error: unknown): void {
    if (used !== sql) return;
    try {
      address = pooledAfter(error, address);
    } catch (refused) {
      throw toStoreError(refused);
    }
    sql = connectTo(address, options);
    // Statements that wait there are refused too, and run again.
    used.end({ timeout: READ_GRACE_S }).catch(ignoreDestroyed);
  }

  /**
   * Runs one statement. Fails with STORE_UNAVAILABLE (it did not run), OUTCOME_UNKNOWN or DEADLINE_EXCEEDED (it may
   * have run), or with the database's own error.
   */
  async function run<Rows>(statement: (sql: Sql) => PromiseLike<Rows>, limitMs: number): Promise<Rows> {
    const used = sql;
    try {
      const rows = await Deadline.after(limitMs).race(statement(used));
      answeredAt = performance.now();
      closeGap(rows);
      return rows;
    } catch (error) {
      if (refusedParameter(error) !== undefined) {
        goOnPooled(used, error);
        // No connection was made, so the statement has not run.
        return run(statement, limitMs);
      }
      if (error instanceof AppError && error.reason === 'DEADLINE_EXCEEDED') replaceHung(limitMs);
      // A session may have been read-only from its start on, or the address may lead to the new primary by now.
      if (sqlCode(error) === READ_ONLY) replace(REPLACE_READ_ONLY_COOL_DOWN_MS, READ_GRACE_S);
      throw toStoreError(error);
    }
  }

  return {
    run,
    /** Where the tables are. */
    schema: options.schema ?? DEFAULT_SCHEMA,
    /** Resolves when a statement could write now; fails like one that can not. */
    async checkWritable(limitMs: number): Promise<void> {
      // "on" in a standby too.
      const [row] = await run(
        (sql) => sql<{ mode: string }[]>`select current_setting('transaction_read_only') as mode`,
        limitMs,
      );
      if (row?.mode !== 'on') return;
      replace(REPLACE_READ_ONLY_COOL_DOWN_MS, READ_GRACE_S);
      throw toStoreError(Object.assign(new Error('the session is read-only'), { code: READ_ONLY }));
    },
    close: (): Promise<void> => sql.end({ timeout: 2 }),
  };
}

/**
 * When a connection breaks in the middle of a result, the library continues counting: the next result over the connection that
 * replaces it begins with that many empty places.
 */
function closeGap(rows: unknown): void {
  if (!Array.isArray(rows) || rows.length === 0 || 0 in rows) return;
  const first = rows.findIndex((_, at) => at in rows);
  rows.splice(0, first < 0 ? rows.length : first);
}
