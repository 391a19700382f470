/** Refused attempts in Postgres, aggregated by the caller, and removed after a while. */
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

/** Attempts of one player for one reason within a few seconds; the other fields describe the first. No signature, no token. */
export interface RejectedAttempts {
  readonly userId: string;
  readonly reason: string;
  readonly caller: string;
  readonly leaderboard: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly attempts: number;
  readonly firstAtUnixMs: number;
}

export type RejectedStore = ReturnType<typeof createRejectedStore>;

const LIMIT_MS = 2_000;

export function createRejectedStore(pool: PostgresPool) {
  return {
    async insert(rows: readonly RejectedAttempts[]): Promise<void> {
      await pool.run(
        (sql) => sql`
          insert into rejected_actions (user_id, reason, caller, leaderboard, action_id, points, attempts, first_at)
          select r.user_id, r.reason, r.caller, r.leaderboard, r.action_id, r.points, r.attempts,
                 to_timestamp(r.first_at / 1000.0)
          from unnest(
            ${arrayLiteral(rows.map((row) => row.userId))}::text[],
            ${arrayLiteral(rows.map((row) => row.reason))}::text[],
            ${arrayLiteral(rows.map((row) => row.caller))}::text[],
            ${arrayLiteral(rows.map((row) => row.leaderboard))}::text[],
            ${arrayLiteral(rows.map((row) => row.actionId))}::text[],
            ${arrayLiteral(rows.map((row) => row.points))}::bigint[],
            ${arrayLiteral(rows.map((row) => row.attempts))}::bigint[],
            ${arrayLiteral(rows.map((row) => row.firstAtUnixMs))}::bigint[]
          ) as r (user_id, reason, caller, leaderboard, action_id, points, attempts, first_at)`,
        LIMIT_MS,
      );
    },

    /** Newest first, of one player or of all. */
    async list(userId: string | undefined, limit: number): Promise<RejectedAttempts[]> {
      return pool.run(
        (sql) => sql<RejectedAttempts[]>`
          select user_id as "userId", reason, caller, leaderboard, action_id as "actionId", points,
                 attempts::int, (extract(epoch from first_at) * 1000)::float8 as "firstAtUnixMs"
          from rejected_actions ${userId === undefined ? sql`` : sql`where user_id = ${userId}`}
          order by id desc limit ${limit}`,
        LIMIT_MS,
      );
    },

    /** Removes rows older than this, and all but the newest rows. */
    async trim(maxAgeDays: number, maxRows: number): Promise<void> {
      await pool.run(
        (sql) => sql`
          delete from rejected_actions
          where id <= (select max(id) from rejected_actions) - ${maxRows}::bigint
             or noted_at < now() - ${maxAgeDays}::int * interval '1 day'`,
        LIMIT_MS,
      );
    },
  };
}
