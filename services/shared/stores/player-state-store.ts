/** The newest states of players, as Postgres has them: what an outbox row is delivered with, and what the rank index is compared with. */
import type { PlayerState } from '../values/board.ts';
import { arrayLiteral, type PostgresPool } from './postgres.ts';

/** A row of `scores`. */
export interface ScoreRow {
  leaderboard: string;
  user_id: string;
  username: string;
  points: bigint;
  version: bigint;
  reached: bigint;
}

/** Finds the states of these players, each on its board; unknown ones are left out. */
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
