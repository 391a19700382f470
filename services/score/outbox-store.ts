/** What is committed but not yet delivered. Rows are claimed by state and time with SKIP LOCKED, never by an id cursor. */
import { arrayLiteral, type PostgresPool } from '../shared/postgres.ts';

export interface OutboxRow {
  readonly id: bigint;
  readonly players: ReadonlyArray<{ leaderboard: string; userId: string }>;
}

export interface OutboxStore {
  /** Takes rows that are due and keeps other sweepers away from them for the lease. Counts as one attempt. */
  claim(limit: number, leaseMs: number): Promise<OutboxRow[]>;
  /** Delivered: the rows are no longer needed. */
  settle(ids: readonly bigint[]): Promise<void>;
  /** Not delivered: next try after the delay, or dead once it has been tried often enough. */
  postpone(ids: readonly bigint[], error: string, delayMs: number, maxAttempts: number): Promise<void>;
  /** For metrics: rows waiting, their oldest age in seconds, and dead rows. */
  depth(): Promise<{ pending: number; oldestSeconds: number; dead: number }>;
}

const LIMIT_MS = 2_000;

export function createOutboxStore(pool: PostgresPool): OutboxStore {
  return {
    async claim(limit, leaseMs) {
      const rows = await pool.run(
        (sql) => sql<{ id: bigint; leaderboards: string[]; user_ids: string[] }[]>`
          update outbox set attempts = attempts + 1, next_attempt_at = now() + ${leaseMs} * interval '1 millisecond'
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

    async postpone(ids, error, delayMs, maxAttempts) {
      await pool.run(
        (sql) => sql`
          update outbox set last_error = ${error}, next_attempt_at = now() + ${delayMs} * interval '1 millisecond',
                 state = case when attempts >= ${maxAttempts} then 'dead' else state end
          where id = any(${arrayLiteral(ids)}::bigint[])`,
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
  };
}
