/** Reads the newest states of players from Postgres, for deliveries from the outbox and to compare the rank index. */
import type { PlayerState } from '../../values/board.ts';
import { arrayLiteral } from './postgres.ts';
import type { PostgresPool } from './postgres-pool.ts';

/** A row of `scores`. */
export interface ScoreRow {
  leaderboard: string;
  user_id: string;
  username: string;
  points: bigint;
  version: bigint;
  reached: bigint;
}

/** Returns the states of these players, each on its board. Unknown players are left out. */
export type ReadPlayerStates = (
  players: ReadonlyArray<{ leaderboard: string; userId: string }>,
) => Promise<PlayerState[]>;

const LIMIT_MS = 2_000;

export function createReadPlayerStates(pool: PostgresPool): ReadPlayerStates {
  return async (players) => {
    const rows = await pool.run(
      (sql) => sql<ScoreRow[]>`
        select s.leaderboard, s.user_id, s.username, s.points, s.version, s.reached
        from (select distinct * from unnest(
          ${arrayLiteral(players.map((p) => p.leaderboard))}::text[],
          ${arrayLiteral(players.map((p) => p.userId))}::text[]
        ) as k (leaderboard, user_id)) k
        join scores s on s.leaderboard = k.leaderboard collate "C" and s.user_id = k.user_id collate "C"`,
      LIMIT_MS,
    );
    return rows.map(toPlayerState);
  };
}

export function toPlayerState(row: ScoreRow): PlayerState {
  return {
    leaderboard: row.leaderboard,
    userId: row.user_id,
    username: row.username,
    points: row.points,
    version: row.version,
    reached: row.reached,
  };
}
