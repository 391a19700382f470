/** Flags of suspicious players, one row a board, player and reason. Bounded: when the table is full, new flags are dropped until an operator clears old ones. */
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

export interface Flag {
  readonly leaderboard: string;
  readonly userId: string;
  /** The reason of repeated refusals; or FAST or RICH: far more actions or points than the other players. */
  readonly reason: string;
  readonly times: number;
  /** A sentence for the operator. */
  readonly detail: string;
}

export interface StoredFlag extends Omit<Flag, 'times'> {
  readonly times: bigint;
  /** Unix milliseconds, by the database's clock. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export type FlagsStore = ReturnType<typeof createFlagsStore>;

const LIMIT_MS = 2_000;
/** More than an operator looks at. */
export const MAX_FLAGS = 10_000;

export function createFlagsStore(pool: PostgresPool) {
  return {
    /** Adds flags; the counts of known ones grow. */
    async raise(flags: readonly Flag[]): Promise<void> {
      await pool.run(
        (sql) => sql`
          insert into player_flags as f (leaderboard, user_id, reason, times, detail)
          select t.* from unnest(
            ${arrayLiteral(flags.map((flag) => flag.leaderboard))}::text[],
            ${arrayLiteral(flags.map((flag) => flag.userId))}::text[],
            ${arrayLiteral(flags.map((flag) => flag.reason))}::text[],
            ${arrayLiteral(flags.map((flag) => flag.times))}::bigint[],
            ${arrayLiteral(flags.map((flag) => flag.detail))}::text[]
          ) as t (leaderboard, user_id, reason, times, detail)
          where (select count(*) from player_flags) < ${MAX_FLAGS}
             or exists (select from player_flags k where k.leaderboard = t.leaderboard collate "C"
                        and k.user_id = t.user_id collate "C" and k.reason = t.reason)
          order by t.leaderboard collate "C", t.user_id collate "C", t.reason
          on conflict (leaderboard, user_id, reason) do update set
            times = f.times + excluded.times, detail = excluded.detail, last_at = now()`,
        LIMIT_MS,
      );
    },

    /** The latest first. */
    async list(limit: number): Promise<StoredFlag[]> {
      const rows = await pool.run(
        (sql) => sql<FlagRow[]>`
          select leaderboard, user_id, reason, times, detail,
                 (extract(epoch from first_at) * 1000)::float8 as first_at_ms,
                 (extract(epoch from last_at) * 1000)::float8 as last_at_ms
          from player_flags order by last_at desc, leaderboard, user_id, reason limit ${limit}`,
        LIMIT_MS,
      );
      return rows.map((row) => ({
        leaderboard: row.leaderboard,
        userId: row.user_id,
        reason: row.reason,
        times: row.times,
        detail: row.detail,
        firstAtMs: row.first_at_ms,
        lastAtMs: row.last_at_ms,
      }));
    },

    async count(): Promise<number> {
      const [row] = await pool.run(
        (sql) => sql<{ flags: number }[]>`select count(*)::int as flags from player_flags`,
        LIMIT_MS,
      );
      return row?.flags ?? 0;
    },

    /** Removes one player's flags, or all. Returns their number. */
    async clear(userId: string | undefined): Promise<number> {
      const rows = await pool.run(
        (sql) => sql`
          delete from player_flags where ${userId ?? null}::text is null or user_id = ${userId ?? null}::text
          returning reason`,
        LIMIT_MS,
      );
      return rows.length;
    },
  };
}

interface FlagRow {
  leaderboard: string;
  user_id: string;
  reason: string;
  times: bigint;
  detail: string;
  first_at_ms: number;
  last_at_ms: number;
}
