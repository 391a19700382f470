/**
 * What is committed but not yet delivered. Rows are claimed by state and time with SKIP LOCKED, never by an id cursor. A
 * row that failed waits for a moment of its own draw, again and again, until it is delivered or dead.
 */
import { arrayLiteral, type PostgresPool } from '../../shared/stores/postgres.ts';

export interface OutboxRow {
  readonly id: bigint;
  readonly players: ReadonlyArray<{ leaderboard: string; userId: string }>;
}

/** A row as the operator sees it. */
export interface OutboxEntry {
  readonly id: bigint;
  readonly state: 'pending' | 'dead';
  /** How often it failed while others got through. */
  readonly attempts: number;
  /** Empty when it was never tried, or never failed. */
  readonly lastError: string;
  /** Unix milliseconds, by the database's clock. */
  readonly createdAtMs: number;
  readonly nextAttemptAtMs: number;
  readonly players: number;
  readonly leaderboards: readonly string[];
}

export interface OutboxDepth {
  readonly pending: number;
  readonly oldestSeconds: number;
  readonly dead: number;
}

/** Not delivered: how long to wait, and when to give up. */
export interface Postponement {
  readonly error: string;
  /** The wait is drawn between these. */
  readonly minMs: number;
  readonly maxMs: number;
  /** An attempt that counts, and how many make a row dead; undefined when it was not the row's fault. */
  readonly maxAttempts: number | undefined;
}

export interface OutboxStore {
  /** Takes rows that are due and keeps other sweepers away from them for the lease. */
  claim(limit: number, leaseMs: number): Promise<OutboxRow[]>;
  /** Delivered: the rows are no longer needed. */
  settle(ids: readonly bigint[]): Promise<void>;
  postpone(ids: readonly bigint[], how: Postponement): Promise<void>;
  depth(): Promise<OutboxDepth>;
  /** Dead rows first, then the oldest. */
  list(limit: number): Promise<OutboxEntry[]>;
  /** Makes these rows, or all dead ones, due now as if never tried; answers how many there were. */
  replay(which: readonly bigint[] | 'dead'): Promise<number>;
}

const LIMIT_MS = 2_000;
/** An error is for a person to read: its beginning will do. */
const ERROR_CHARACTERS = 500;

export function createOutboxStore(pool: PostgresPool): OutboxStore {
  return {
    async claim(limit, leaseMs) {
      const rows = await pool.run(
        (sql) => sql<{ id: bigint; leaderboards: string[]; user_ids: string[] }[]>`
          update outbox set next_attempt_at = now() + ${leaseMs} * interval '1 millisecond'
          where id in (
            select id from outbox where state = 'pending' and next_attempt_at <= now()
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
            last_error = ${error.slice(0, ERROR_CHARACTERS)},
            next_attempt_at = now() + interval '1 millisecond' * (${minMs}::float8 + random() * ${maxMs - minMs}::float8),
            attempts = attempts + ${maxAttempts === undefined ? 0 : 1}::int,
            state = case when attempts + 1 >= ${maxAttempts ?? null}::int then 'dead' else state end
          where id = any(${arrayLiteral(ids)}::bigint[]) and state = 'pending'`,
        LIMIT_MS,
      );
    },

    async depth() {
      const [row] = await pool.run(
        (sql) => sql<{ pending: number; oldest: number; dead: number }[]>`
          select count(*) filter (where state = 'pending')::int as pending,
                 count(*) filter (where state = 'dead')::int as dead,
                 coalesce(extract(epoch from now() - min(created_at) filter (where state = 'pending')), 0)::float8 as oldest
          from outbox`,
        LIMIT_MS,
      );
      return { pending: row?.pending ?? 0, oldestSeconds: row?.oldest ?? 0, dead: row?.dead ?? 0 };
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
