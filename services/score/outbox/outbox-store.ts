/**
 * Batches that are committed and not delivered yet. Rows are claimed by state and due time with SKIP LOCKED, never by an id
 * cursor. A row that failed is due again after a random wait, until it is delivered or given up (dead).
 */
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import { type DepthRow, depthColumns, isDue, type OutboxDepth, toOutboxDepth } from './outbox-depth.ts';

export interface OutboxRow {
  readonly id: bigint;
  readonly players: ReadonlyArray<{ leaderboard: string; userId: string }>;
}

/** A row as shown to the operator. */
export interface OutboxEntry {
  readonly id: bigint;
  readonly state: 'pending' | 'dead';
  /** Failures while other rows were delivered. */
  readonly attempts: number;
  /** Empty if no attempt failed. */
  readonly lastError: string;
  /** Unix milliseconds, by the database's clock. */
  readonly createdAtMs: number;
  readonly nextAttemptAtMs: number;
  readonly players: number;
  readonly leaderboards: readonly string[];
}

/** How long rows that were not delivered wait, and when they are given up. */
export interface Postponement {
  readonly error: string;
  /** The wait is random between these. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Counts an attempt; a row with so many is dead. Undefined when the row is not the cause: the attempt is not counted. */
  readonly maxAttempts: number | undefined;
}

export interface OutboxStore {
  /** Takes rows that are due; other sweepers leave them alone for the lease. */
  claim(limit: number, leaseMs: number): Promise<OutboxRow[]>;
  /** Removes delivered rows. */
  settle(ids: readonly bigint[]): Promise<void>;
  postpone(ids: readonly bigint[], how: Postponement): Promise<void>;
  depth(): Promise<OutboxDepth>;
  /** Dead rows first, then the oldest. */
  list(limit: number): Promise<OutboxEntry[]>;
  /** Makes these rows, or all dead ones, due now as if never tried. Returns their number. */
  replay(which: readonly bigint[] | 'dead'): Promise<number>;
}

const LIMIT_MS = 2_000;
/** Errors are stored for the operator to read; their beginning is enough. */
const ERROR_CHARACTERS = 500;

export function createOutboxStore(pool: PostgresPool): OutboxStore {
  return {
    async claim(limit, leaseMs) {
      const rows = await pool.run(
        (sql) => sql<{ id: bigint; leaderboards: string[]; user_ids: string[] }[]>`
          update outbox set next_attempt_at = now() + ${leaseMs} * interval '1 millisecond'
          where id in (
            select id from outbox where ${isDue(sql)}
            order by next_attempt_at limit ${limit} for update skip locked
          )
          returning id, to_json(leaderboards) as leaderboards, to_json(user_ids) as user_ids`,
        LIMIT_MS,
      );
      return rows.map((row) => ({
        id: row.id,
        players: row.user_ids.map((userId, index) => ({
          leaderboard: row.leaderboards[index] ?? '',
          userId,
        })),
      }));
    },

    async settle(ids) {
      await pool.run(
        (sql) => sql`delete from outbox where id = any(${arrayLiteral(ids)}::bigint[])`,
        LIMIT_MS,
      );
    },

    async postpone(ids, { error, minMs, maxMs, maxAttempts }) {
      await pool.run(
        (sql) => sql`
          update outbox set
            last_error = ${error.replaceAll('\0', '').slice(0, ERROR_CHARACTERS)},
            next_attempt_at = now() + interval '1 millisecond' * (${minMs}::float8 + random() * ${maxMs - minMs}::float8),
            attempts = attempts + ${maxAttempts === undefined ? 0 : 1}::int,
            state = case when attempts + 1 >= ${maxAttempts ?? null}::int then 'dead' else state end
          where id = any(${arrayLiteral(ids)}::bigint[]) and state = 'pending'`,
        LIMIT_MS,
      );
    },

    async depth() {
      const [row] = await pool.run(
        (sql) => sql<DepthRow[]>`select ${depthColumns(sql)} from outbox`,
        LIMIT_MS,
      );
      if (row === undefined) throw new Error('Postgres answered without a row');
      return toOutboxDepth(row);
    },

    async list(limit) {
      const rows = await pool.run(
        (sql) => sql<EntryRow[]>`
          select id, state, attempts, coalesce(last_error, '') as last_error, cardinality(user_ids) as players,
                 (select to_json(array_agg(distinct board)) from unnest(leaderboards) as board) as leaderboards,
                 (extract(epoch from created_at) * 1000)::float8 as created_at_ms,
                 (extract(epoch from next_attempt_at) * 1000)::float8 as next_attempt_at_ms
          from outbox order by state, id limit ${limit}`,
        LIMIT_MS,
      );
      return rows.map(toEntry);
    },

    async replay(which) {
      const rows = await pool.run(
        (sql) => sql`
          update outbox set state = 'pending', attempts = 0, next_attempt_at = now()
          where ${which === 'dead' ? sql`state = 'dead'` : sql`id = any(${arrayLiteral(which)}::bigint[])`}
          returning id`,
        LIMIT_MS,
      );
      return rows.length;
    },
  };
}

interface EntryRow {
  id: bigint;
  state: OutboxEntry['state'];
  attempts: number;
  last_error: string;
  players: number;
  leaderboards: string[] | null;
  created_at_ms: number;
  next_attempt_at_ms: number;
}

function toEntry(row: EntryRow): OutboxEntry {
  return {
    id: row.id,
    state: row.state,
    attempts: row.attempts,
    lastError: row.last_error,
    createdAtMs: row.created_at_ms,
    nextAttemptAtMs: row.next_attempt_at_ms,
    players: row.players,
    leaderboards: row.leaderboards ?? [],
  };
}
