/** Players who stand out, one row for each reason and board. Bounded: when it is full, new ones wait for old ones to be cleared. */
import { arrayLiteral, type PostgresPool } from '../../shared/stores/postgres.ts';

export interface Flag {
  readonly leaderboard: string;
  readonly userId: string;
  /** A reason of a refusal that came again and again, or what a player was ahead of the others in. */
  readonly reason: string;
  readonly times: number;
  /** For a person to read. */
  readonly detail: string;
}

export interface StoredFlag extends Omit<Flag, 'times'> {
  readonly times: bigint;
  /** Unix milliseconds, by the database's clock. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export interface FlagsStore {
  /** Adds to what is known of these. */
  raise(flags: readonly Flag[]): Promise<void>;
  /** The latest first. */
  list(limit: number): Promise<StoredFlag[]>;
  count(): Promise<number>;
  /** Forgets one player's flags, or all; answers how many there were. */
  clear(userId: string | undefined): Promise<number>;
}

const LIMIT_MS = 2_000;
/** More than anybody looks at. */
export const MAX_FLAGS = 10_000;

export function createFlagsStore(pool: PostgresPool): FlagsStore {
  return {
    async raise(flags) {
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

    async list(limit) {
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

    async count() {
      const [row] = await pool.run(
        (sql) => sql<{ flags: number }[]>`select count(*)::int as flags from player_flags`,
        LIMIT_MS,
      );
      return row?.flags ?? 0;
    },

    async clear(userId) {
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
