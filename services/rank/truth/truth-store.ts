/**
 * Reads boards from Postgres, to rebuild the index and while Redis is away. Orders of magnitude slower than the index, so callers
 * share one reading and keep it for a moment.
 */
import {
  createReadPlayerStates,
  type ScoreRow,
  toPlayerState,
} from '../../shared/stores/postgres/player-state-store.ts';
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import {
  type BoardReading,
  type Entry,
  HIDDEN,
  type PlayerState,
  toScore,
} from '../../shared/values/board.ts';
import { REACHED_DIGITS } from '../index/index-scripts.ts';
import { createBoardList } from './board-list.ts';
import { countRanks } from './count-ranks.ts';

export type TruthStore = ReturnType<typeof createTruthStore>;

/** Players of one board as `load.lua` reads them. */
export interface PackedPlayers {
  readonly players: number;
  /** The greatest user id of the whole page. */
  readonly lastUserId: string;
  readonly packed: string;
}

/** These queries may scan a board. A board of a million players takes about 100 ms. */
const READ_LIMIT_MS = 2_000;
/** `read_truth_board` answers this seq while boards are not read from Postgres. */
const NO_SEQ = 0n;
/** Players in one part. A script takes a few milliseconds for them, during which Redis serves no other client. */
const PART_PLAYERS = 1_000;

export function createTruthStore(pool: PostgresPool) {
  return {
    ...createBoardList(pool),

    /**
     * The top with a position of its own kind: the epoch that counts, and a seq that Postgres keeps. Without a position when
     * boards are not read from Postgres by now. A board without players has the position before its first change, and leaves no
     * row for a name that a reader made up.
     */
    async board(leaderboard: string): Promise<BoardReading> {
      const [row] = await pool.run(
        (sql) => sql<{ epoch: bigint; seq: bigint; top: [string, string, number][] }[]>`
          select epoch, seq, top from read_truth_board(${leaderboard})
          where exists (select from scores where leaderboard = ${leaderboard})
             or exists (select from truth_boards where leaderboard = ${leaderboard})
          union all
          select epoch, 0, '[]' from rank_index
          where not exists (select from scores where leaderboard = ${leaderboard})
            and not exists (select from truth_boards where leaderboard = ${leaderboard})`,
        READ_LIMIT_MS,
      );
      if (row === undefined) throw new Error('the rank index has no row');
      const entries = row.top.map(([userId, username, points], index) => ({
        userId,
        username,
        score: toScore(BigInt(points)),
        rank: index + 1,
      }));
      const { epoch, seq } = row;
      return { position: seq === NO_SEQ && entries.length > 0 ? undefined : { epoch, seq }, entries };
    },

    /** The newest states of these players, each on its board. Unknown players are left out. */
    states: createReadPlayerStates(pool),

    /** The user ids, of those given, that have a score on the board. */
    async known(leaderboard: string, userIds: readonly string[]): Promise<string[]> {
      // Asked like this, the planner looks the ids up in the primary key. Asked for the unknown ones, it would read the whole board.
      const rows = await pool.run(
        (sql) => sql<{ user_id: string }[]>`
          select user_id from scores
          where leaderboard = ${leaderboard} and user_id = any(${arrayLiteral(userIds)}::text[])`,
        READ_LIMIT_MS,
      );
      return rows.map((row) => row.user_id);
    },

    /** Ranks in the order of the players given, and how many players the board has. */
    ranks: (leaderboard: string, players: readonly PlayerState[]) =>
      countRanks(pool, leaderboard, players, READ_LIMIT_MS),

    /** Entries from a rank on, best first. */
    async page(leaderboard: string, firstRank: number, limit: number): Promise<Entry[]> {
      const rows = await pool.run(
        (sql) => sql<ScoreRow[]>`
          select leaderboard, user_id, username, points, version, reached from scores
          where leaderboard = ${leaderboard} and reached < ${HIDDEN}
          order by points desc, reached, user_id limit ${limit} offset ${firstRank - 1}`,
        READ_LIMIT_MS,
      );
      return rows.map((row, index) => ({
        userId: row.user_id,
        username: row.username,
        score: toScore(row.points),
        rank: firstRank + index,
      }));
    },

    /** How many players have a row, and how many of them are on the board. */
    async playerCount(leaderboard: string): Promise<{ players: number; onBoard: number }> {
      const [row] = await pool.run(
        (sql) => sql<{ players: number; on_board: number }[]>`
          select count(*)::int as players, count(*) filter (where reached < ${HIDDEN})::int as on_board
          from scores where leaderboard = ${leaderboard}`,
        READ_LIMIT_MS,
      );
      return { players: row?.players ?? 0, onBoard: row?.on_board ?? 0 };
    },

    /** Players of a board in the order of their ids, after the given one. */
    async scan(leaderboard: string, afterUserId: string, limit: number): Promise<PlayerState[]> {
      const rows = await pool.run(
        (sql) => sql<ScoreRow[]>`
          select leaderboard, user_id, username, points, version, reached from scores
          where leaderboard = ${leaderboard} and user_id > ${afterUserId}
          order by user_id limit ${limit}`,
        READ_LIMIT_MS,
      );
      return rows.map(toPlayerState);
    },

    /** The same players in parts, encoded as the index takes them. The players of a part are neighbours on the board. */
    packed(leaderboard: string, afterUserId: string, limit: number): Promise<PackedPlayers[]> {
      return pool.run(
        (sql) => sql<PackedPlayers[]>`
          with page as materialized (
            select user_id, username, points, version, lpad(to_hex(reached), ${REACHED_DIGITS}, '0') as reached,
                   case when reached < ${HIDDEN} then (-points)::text else '' end as score
            from scores where leaderboard = ${leaderboard} and user_id > ${afterUserId}
            order by user_id limit ${limit}
          ),
          placed as (
            select *, (row_number() over (order by points desc, reached, user_id) - 1) / ${PART_PLAYERS} as part from page
          )
          select count(*)::int as players, (select max(user_id) from page) as "lastUserId", json_build_object(
              'users', json_agg(user_id),
              'scores', json_agg(score),
              'members', json_agg(reached || user_id),
              'values', json_agg(version || ':' || reached || ':' || username)
            )::text as packed
          from placed group by part`,
        READ_LIMIT_MS,
      );
    },
  };
}
