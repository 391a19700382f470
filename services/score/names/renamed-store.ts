/** Players whose boards may show another name than their profile. They are claimed by due time, brought up to date, and settled. */
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { Player } from '../../shared/values/board.ts';

export interface Renamed {
  readonly userId: string;
  /** Which change of the name was claimed; a later one makes the player due again. */
  readonly changes: bigint;
}

const LIMIT_MS = 1_500;
/**
 * Submissions that were under way during the change may have read the old name. They have ended by then: a second pass finds
 * what they wrote.
 */
const SECOND_PASS_AFTER = '3 seconds';
/** Longer than any wait: a later time was set before the database's clock was set back. */
const LONGEST_WAIT = '1 minute';

export type RenamedStore = ReturnType<typeof createRenamedStore>;

export function createRenamedStore(pool: Pick<PostgresPool, 'run'>) {
  return {
    /** Takes players that are due; other processes leave them alone for the lease. */
    async claim(limit: number, leaseMs: number): Promise<Renamed[]> {
      const rows = await pool.run(
        (sql) => sql<{ user_id: string; changes: bigint }[]>`
          update renamed_players set due_at = now() + ${leaseMs} * interval '1 millisecond'
          where user_id in (
            select user_id from renamed_players
            where due_at <= now() or due_at > now() + ${LONGEST_WAIT}::interval
            order by due_at limit ${limit} for update skip locked
          )
          returning user_id, changes`,
        LIMIT_MS,
      );
      return rows.map(({ user_id: userId, changes }) => ({ userId, changes }));
    },

    /** Writes the names of profiles to at most so many rows of boards, locked in the order of all writers. Returns their number. */
    async apply(userIds: readonly string[], limit: number): Promise<number> {
      const rows = await pool.run(
        (sql) => sql`
          with stale as materialized (
            select s.leaderboard, s.user_id, p.username
            from scores s join players p on p.user_id = s.user_id
            where s.user_id = any(${arrayLiteral(userIds)}::text[]) and s.username <> p.username
            order by s.leaderboard, s.user_id limit ${limit} for update of s
          )
          update scores s set username = stale.username from stale
          where s.leaderboard = stale.leaderboard and s.user_id = stale.user_id
          returning true`,
        LIMIT_MS,
      );
      return rows.length;
    },

    /** The boards of these players, in order, from the one after the given. */
    async boards(userIds: readonly string[], after: Player | undefined, limit: number): Promise<Player[]> {
      const { leaderboard, userId } = after ?? { leaderboard: '', userId: '' };
      const rows = await pool.run(
        (sql) => sql<{ leaderboard: string; user_id: string }[]>`
          select s.leaderboard, s.user_id from scores s
          where s.user_id = any(${arrayLiteral(userIds)}::text[])
            and (s.leaderboard, s.user_id) > (${leaderboard} collate "C", ${userId} collate "C")
          order by s.leaderboard, s.user_id limit ${limit}`,
        LIMIT_MS,
      );
      return rows.map((row) => ({ leaderboard: row.leaderboard, userId: row.user_id }));
    },

    /** Notes one pass over all boards of players that were not renamed meanwhile; after the second one they are done. */
    async settle(renamed: readonly Renamed[]): Promise<void> {
      await pool.run(
        (sql) => sql`
          with done as (
            select * from unnest(
              ${arrayLiteral(renamed.map(({ userId }) => userId))}::text[],
              ${arrayLiteral(renamed.map(({ changes }) => changes))}::bigint[]
            ) as d (user_id, changes)
          ), finished as (
            delete from renamed_players r using done
            where r.user_id = done.user_id collate "C" and r.changes = done.changes and r.passes > 0
          )
          update renamed_players r set passes = 1, due_at = now() + ${SECOND_PASS_AFTER}::interval from done
          where r.user_id = done.user_id collate "C" and r.changes = done.changes and r.passes = 0`,
        LIMIT_MS,
      );
    },
  };
}
