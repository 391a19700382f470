/**
 * The operator's rules for boards, and the players in quarantine. Both lists are bounded, because every process holds them in
 * memory. An erased player stays in quarantine under a digest of the user id.
 */
import { hash } from 'node:crypto';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

/** Limits for each player of a board; undefined limits nothing. */
export interface BoardLimits {
  readonly leaderboard: string;
  /** The part of an action id before the first "_". Empty: the rule covers all actions of the board together. */
  readonly kind: string;
  /** Most points of one action. */
  readonly maxPoints: bigint | undefined;
  readonly windowMs: bigint | undefined;
  readonly maxWindowPoints: bigint | undefined;
  readonly maxWindowActions: bigint | undefined;
  readonly minIntervalMs: bigint | undefined;
}

/** The boards and players that limits apply to, as of one version. */
export interface Concerned {
  readonly version: bigint;
  readonly leaderboards: readonly string[];
  /** User ids; of erased players, their `quarantineName`. */
  readonly userIds: readonly string[];
}

export type LimitsStore = ReturnType<typeof createLimitsStore>;

const LIMIT_MS = 2_000;
/** Every process holds all rules, and reads all when one changes. */
export const MAX_RULES = 1_000;
export const MAX_QUARANTINED = 1_000;

const ERASED = 'erased ';

/** The name of an erased player in the quarantine, as the database makes it (migration 0007). */
export function quarantineName(userId: string): string {
  return ERASED + hash('sha256', userId, 'hex');
}

export function isQuarantineName(name: string): boolean {
  return name.startsWith(ERASED);
}

interface LimitsRow {
  leaderboard: string;
  kind: string;
  max_points: bigint | null;
  window_ms: bigint | null;
  max_window_points: bigint | null;
  max_window_actions: bigint | null;
  min_interval_ms: bigint | null;
}

export function createLimitsStore(pool: PostgresPool) {
  return {
    /** The rules of one board, or of all, in the order of board and kind. */
    async list(leaderboard: string | undefined): Promise<BoardLimits[]> {
      const rows = await pool.run(
        (sql) => sql<LimitsRow[]>`
          select * from leaderboard_limits
          where ${leaderboard ?? null}::text is null or leaderboard = ${leaderboard ?? null}::text
          order by leaderboard, kind limit ${MAX_RULES}`,
        LIMIT_MS,
      );
      return rows.map(toLimits);
    },

    /** Replaces one rule; a rule without limits is removed. Returns false if there are too many rules. */
    async set({ leaderboard, kind, ...given }: BoardLimits): Promise<boolean> {
      const { maxPoints, windowMs, maxWindowPoints, maxWindowActions, minIntervalMs } = given;
      if (Object.values(given).every((value) => value === undefined)) {
        await pool.run(
          (sql) => sql`delete from leaderboard_limits where leaderboard = ${leaderboard} and kind = ${kind}`,
          LIMIT_MS,
        );
        return true;
      }
      const rows = await pool.run(
        (sql) => sql`
          insert into leaderboard_limits
          select ${leaderboard}, ${kind}, ${maxPoints ?? null}::bigint, ${windowMs ?? null}::bigint,
                 ${maxWindowPoints ?? null}::bigint, ${maxWindowActions ?? null}::bigint, ${minIntervalMs ?? null}::bigint
          where (select count(*) from leaderboard_limits where (leaderboard, kind) <> (${leaderboard}, ${kind})) < ${MAX_RULES}
          on conflict (leaderboard, kind) do update set
            max_points = excluded.max_points, window_ms = excluded.window_ms,
            max_window_points = excluded.max_window_points, max_window_actions = excluded.max_window_actions,
            min_interval_ms = excluded.min_interval_ms
          returning kind`,
        LIMIT_MS,
      );
      return rows.length === 1;
    },

    /** Players in quarantine, the latest first. */
    async quarantined(): Promise<string[]> {
      const rows = await pool.run(
        (sql) => sql<{ user_id: string }[]>`
          select user_id from quarantined_players order by quarantined_at desc limit ${MAX_QUARANTINED}`,
        LIMIT_MS,
      );
      return rows.map(({ user_id }) => user_id);
    },

    /** Returns 'known' if the player is in quarantine already, 'full' if there are too many. */
    async quarantine(userId: string): Promise<'changed' | 'known' | 'full'> {
      const [row] = await pool.run(
        (sql) => sql<{ known: boolean; added: boolean }[]>`
          with added as (
            insert into quarantined_players (user_id) select ${userId}
            where (select count(*) from quarantined_players) < ${MAX_QUARANTINED}
              and not exists (select from quarantined_players where user_id = ${quarantineName(userId)})
            on conflict do nothing returning user_id
          )
          select exists (select from quarantined_players where user_id in (${userId}, ${quarantineName(userId)})) as known,
                 exists (select from added) as added`,
        LIMIT_MS,
      );
      if (row?.added) return 'changed';
      return row?.known ? 'known' : 'full';
    },

    /** Returns false if the player was not in quarantine. */
    async release(userId: string): Promise<boolean> {
      const rows = await pool.run(
        (sql) => sql`
          delete from quarantined_players where user_id in (${userId}, ${quarantineName(userId)})
          returning user_id`,
        LIMIT_MS,
      );
      return rows.length === 1;
    },

    async concerned(): Promise<Concerned> {
      const [row] = await pool.run(
        (sql) => sql<{ version: bigint; leaderboards: string[]; user_ids: string[] }[]>`
          select version,
                 (select coalesce(json_agg(distinct leaderboard), '[]') from leaderboard_limits) as leaderboards,
                 (select coalesce(json_agg(user_id), '[]') from quarantined_players) as user_ids
          from limits_version`,
        LIMIT_MS,
      );
      if (row === undefined) throw new Error('the row of limits_version is missing');
      return { version: row.version, leaderboards: row.leaderboards, userIds: row.user_ids };
    },
  };
}

function toLimits(row: LimitsRow): BoardLimits {
  return {
    leaderboard: row.leaderboard,
    kind: row.kind,
    maxPoints: row.max_points ?? undefined,
    windowMs: row.window_ms ?? undefined,
    maxWindowPoints: row.max_window_points ?? undefined,
    maxWindowActions: row.max_window_actions ?? undefined,
    minIntervalMs: row.min_interval_ms ?? undefined,
  };
}
