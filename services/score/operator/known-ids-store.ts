/** Whether the database has ever seen a player or a board, for an operator who may have mistyped an id. */
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

export type KnownIdsStore = ReturnType<typeof createKnownIdsStore>;

const LIMIT_MS = 2_000;

export function createKnownIdsStore(pool: PostgresPool) {
  return {
    /** Whether there is data of the player that an erasure would remove. */
    async hasPlayer(userId: string): Promise<boolean> {
      const [row] = await pool.run(
        (sql) => sql<{ known: boolean }[]>`
          select exists (select user_id from players where user_id = ${userId})
              or exists (select from actions where user_id = ${userId})
              or exists (select from rejected_actions where user_id = ${userId}) as known`,
        LIMIT_MS,
      );
      return row?.known ?? false;
    },

    async hasBoard(leaderboard: string): Promise<boolean> {
      const [row] = await pool.run(
        (sql) => sql<{ known: boolean }[]>`
          select exists (select from scores where leaderboard = ${leaderboard}) as known`,
        LIMIT_MS,
      );
      return row?.known ?? false;
    },
  };
}
