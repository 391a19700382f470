/** Finds players whose rows another session of Postgres holds, without waiting for them. */
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { Player } from '../../shared/values/board.ts';

/** Returns those of the players whose row on the board, or window of limits, is locked. */
export type FindLocked = (players: readonly Player[], limitMs: number) => Promise<Player[]>;

export function createFindLocked(pool: Pick<PostgresPool, 'run'>): FindLocked {
  return async (players, limitMs) => {
    const rows = await pool.run(
      (sql) => sql<{ leaderboard: string; user_id: string }[]>`
        with asked as materialized (
          select distinct leaderboard collate "C" as leaderboard, user_id collate "C" as user_id
          from unnest(
            ${arrayLiteral(players.map((p) => p.leaderboard))}::text[],
            ${arrayLiteral(players.map((p) => p.userId))}::text[]
          ) as k (leaderboard, user_id)
        ), free_rows as materialized (
          select s.leaderboard, s.user_id from asked join scores s using (leaderboard, user_id)
          for update of s skip locked
        ), free_windows as materialized (
          select w.leaderboard, w.user_id from asked join player_windows w using (leaderboard, user_id)
          where w.kind = '' for update of w skip locked
        ), held as (
          (select leaderboard, user_id from asked join scores using (leaderboard, user_id)
           except select leaderboard, user_id from free_rows)
          union
          (select leaderboard, user_id from asked join player_windows w using (leaderboard, user_id) where w.kind = ''
           except select leaderboard, user_id from free_windows)
        )
        select leaderboard, user_id from held`,
      limitMs,
    );
    return rows.map((row) => ({ leaderboard: row.leaderboard, userId: row.user_id }));
  };
}
