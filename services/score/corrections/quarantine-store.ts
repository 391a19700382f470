/**
 * Players whose boards may not agree with the list of quarantined players. They are claimed by due time, brought up to date board by
 * board, and settled.
 */
import { arrayLiteral, type Sql } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

export interface QuarantineChange {
  readonly userId: string;
  /** Which change was claimed; a later one makes the player due again. */
  readonly changes: bigint;
}

export type QuarantineStore = ReturnType<typeof createQuarantineStore>;

const LIMIT_MS = 2_000;
/**
 * Submissions that were under way during the change may have been accepted after it, and show the player again. They have ended by
 * then: a second pass hides the player for good.
 */
const SECOND_PASS_AFTER = '3 seconds';
/** Longer than any wait: a later time was set before the database's clock was set back. */
const LONGEST_WAIT = '1 minute';

export const isQuarantineDue = (sql: Sql) =>
  sql`(due_at <= now() or due_at > now() + ${LONGEST_WAIT}::interval)`;

export function createQuarantineStore(pool: Pick<PostgresPool, 'run'>) {
  return {
    /** Takes players that are due; other processes leave them alone for the lease. */
    async claim(limit: number, leaseMs: number): Promise<QuarantineChange[]> {
      const rows = await pool.run(
        (sql) => sql<{ user_id: string; changes: bigint }[]>`
          update quarantine_changes set due_at = now() + ${leaseMs} * interval '1 millisecond'
          where user_id in (
            select user_id from quarantine_changes
            where ${isQuarantineDue(sql)}
            order by due_at limit ${limit} for update skip locked
          )
          returning user_id, changes`,
        LIMIT_MS,
      );
      return rows.map(({ user_id: userId, changes }) => ({ userId, changes }));
    },

    /** Hides the player on some boards, or shows the player again. Returns the last of them; undefined when there are no more. */
    async apply(userId: string, afterBoard: string, limit: number): Promise<string | undefined> {
      const [row] = await pool.run(
        (sql) => sql<{ last: string | null }[]>`
          select apply_quarantine(${userId}, ${afterBoard}, ${limit}) as last`,
        LIMIT_MS,
      );
      return row?.last ?? undefined;
    },

    /** Notes one pass over all boards of players that did not change meanwhile; after the second one they are done. */
    async settle(changed: readonly QuarantineChange[]): Promise<void> {
      await pool.run(
        (sql) => sql`
          with done as (
            select * from unnest(
              ${arrayLiteral(changed.map(({ userId }) => userId))}::text[],
              ${arrayLiteral(changed.map(({ changes }) => changes))}::bigint[]
            ) as d (user_id, changes)
          ), finished as (
            delete from quarantine_changes q using done
            where q.user_id = done.user_id collate "C" and q.changes = done.changes and q.passes > 0
          )
          update quarantine_changes q set passes = 1, due_at = now() + ${SECOND_PASS_AFTER}::interval from done
          where q.user_id = done.user_id collate "C" and q.changes = done.changes and q.passes = 0`,
        LIMIT_MS,
      );
    },
  };
}
