/**
 * Reading boards straight from Postgres: for the rebuild of the index, and while Redis is away. Slower than the index by
 * orders of magnitude, so callers share one reading and keep it for a moment.
 */

import {
  createReadPlayerStates,
  type ReadPlayerStates,
  type ScoreRow,
  toPlayerState,
} from '../../shared/stores/player-state-store.ts';
import { arrayLiteral, type PostgresPool } from '../../shared/stores/postgres.ts';
import type { Board, Entry, PlayerState } from '../../shared/values/board.ts';
import { REACHED_DIGITS } from '../index/index-scripts.ts';

export interface TruthStore {
  /**
   * The top with an ordering token of its own kind: the epoch that counts, and a seq kept in Postgres. The seq is 0 while boards
   * are not read from here, and of a board on which nobody ever scored: names that readers make up leave no row.
   */
  board(leaderboard: string): Promise<Board>;
  /** The newest states of these players, each on its board; unknown ones are left out. */
  readonly states: ReadPlayerStates;
  /** Those of these user ids that have a score on the board. */
  known(leaderboard: string, userIds: readonly string[]): Promise<string[]>;
  /** Ranks from 1 in the order of the players given, by counting who stands before each, and how many `players` there are. */
  ranks(leaderboard: string, players: readonly PlayerState[]): Promise<{ ranks: number[]; players: number }>;
  /** Entries from a rank on (from 1), best first. */
  page(leaderboard: string, firstRank: number, limit: number): Promise<Entry[]>;
  playerCount(leaderboard: string): Promise<number>;
  leaderboards(): Promise<string[]>;
  /** Players of a board in the order of their ids, after the given one. */
  scan(leaderboard: string, afterUserId: string, limit: number): Promise<PlayerState[]>;
  /** The same players in parts, each as the index takes it: nobody in between opens it. A part holds neighbours among them. */
  packed(leaderboard: string, afterUserId: string, limit: number): Promise<PackedPlayers[]>;
}

/** Players of one board as `load.lua` reads them. */
export interface PackedPlayers {
  readonly players: number;
  /** The greatest id of the page that this is a part of. */
  readonly lastUserId: string;
  readonly packed: string;
}

/** These readings may scan a board; a board of a million players takes about 100 ms. */
const READ_LIMIT_MS = 2_000;
/** Players in one part: a script takes a few milliseconds for them, and holds up others no longer. */
const PART_PLAYERS = 1_000;

export function createTruthStore(pool: PostgresPool): TruthStore {
  return {
    async board(leaderboard) {
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
        score: BigInt(points),
        rank: index + 1,
      }));
      return { epoch: row.epoch, seq: row.seq, entries };
    },

    states: createReadPlayerStates(pool),

    async known(leaderboard, userIds) {
      // In this form the planner looks the ids up in the primary key; asked for the unknown ones, it reads the whole board.
      const rows = await pool.run(
        (sql) => sql<{ user_id: string }[]>`
          select user_id from scores
          where leaderboard = ${leaderboard} and user_id = any(${arrayLiteral(userIds)}::text[])`,
        READ_LIMIT_MS,
      );
      return rows.map((row) => row.user_id);
    },

    async ranks(leaderboard, players) {
      const rows = await pool.run(
        (sql) => sql<{ rank: bigint; players: bigint }[]>`
          with asked as materialized (
            select *, dense_rank() over (order by points) as step,
              dense_rank() over (partition by points order by reached) as tie_step
            from unnest(
              ${arrayLiteral(players.map((p) => p.userId))}::text[],
              ${arrayLiteral(players.map((p) => p.points))}::bigint[],
              ${arrayLiteral(players.map((p) => p.reached))}::bigint[]
            ) with ordinality as k (user_id, points, reached, place)
          ),
          -- One pass over the board puts each row between the points that were asked about.
          steps as materialized (select array_agg(distinct points + 1 order by points + 1) as points from asked),
          counted as materialized (
            select width_bucket(s.points, steps.points) as step, count(*) as players
            from scores s, steps where s.leaderboard = ${leaderboard} group by 1
          ),
          -- Another finds those with equal points, who stand by when they reached them, and then by their ids.
          peers as materialized (
            select s.points, s.reached, s.user_id from scores s
            where s.leaderboard = ${leaderboard} and s.points in (select points from asked)
          ),
          tie_steps as materialized (
            select points, array_agg(distinct reached order by reached) as reached from asked group by points
          ),
          tied as materialized (
            select t.points, width_bucket(p.reached, t.reached) as step, count(*) as players
            from tie_steps t join peers p on p.points = t.points group by 1, 2
          ),
          equals as materialized (
            select a.place, count(*) as players
            from asked a join peers p on p.points = a.points and p.reached = a.reached
            where p.user_id < a.user_id collate "C" group by 1
          )
          select 1
              + coalesce((select sum(c.players) from counted c where c.step >= a.step), 0)::bigint
              + coalesce((select sum(t.players) from tied t where t.points = a.points and t.step < a.tie_step), 0)::bigint
              + coalesce((select e.players from equals e where e.place = a.place), 0)
              as rank,
            (select coalesce(sum(players), 0) from counted)::bigint as players
          from asked a order by a.place`,
        READ_LIMIT_MS,
      );
      return { ranks: rows.map(({ rank }) => Number(rank)), players: Number(rows[0]?.players ?? 0n) };
    },

    async page(leaderboard, firstRank, limit) {
      const rows = await pool.run(
        (sql) => sql<ScoreRow[]>`
          select leaderboard, user_id, username, points, version, reached from scores
          where leaderboard = ${leaderboard}
          order by points desc, reached, user_id limit ${limit} offset ${firstRank - 1}`,
        READ_LIMIT_MS,
      );
      return rows.map((row, index) => ({
        userId: row.user_id,
        username: row.username,
        score: row.points,
        rank: firstRank + index,
      }));
    },

    async playerCount(leaderboard) {
      const [row] = await pool.run(
        (sql) => sql<{ players: number }[]>`
          select count(*)::int as players from scores where leaderboard = ${leaderboard}`,
        READ_LIMIT_MS,
      );
      return row?.players ?? 0;
    },

    async leaderboards() {
      // Steps from board to board along the primary key instead of reading every row.
      const rows = await pool.run(
        (sql) => sql<{ leaderboard: string | null }[]>`
          with recursive board as (
            (select leaderboard from scores order by leaderboard limit 1)
            union all
            select (select s.leaderboard from scores s where s.leaderboard > board.leaderboard order by s.leaderboard limit 1)
            from board where board.leaderboard is not null
          )
          select leaderboard from board where leaderboard is not null`,
        READ_LIMIT_MS,
      );
      return rows.flatMap(({ leaderboard }) => (leaderboard === null ? [] : [leaderboard]));
    },

    async scan(leaderboard, afterUserId, limit) {
      const rows = await pool.run(
        (sql) => sql<ScoreRow[]>`
          select leaderboard, user_id, username, points, version, reached from scores
          where leaderboard = ${leaderboard} and user_id > ${afterUserId}
          order by user_id limit ${limit}`,
        READ_LIMIT_MS,
      );
      return rows.map(toPlayerState);
    },

    packed(leaderboard, afterUserId, limit) {
      return pool.run(
        (sql) => sql<PackedPlayers[]>`
          with page as materialized (
            select user_id, username, points, version, lpad(to_hex(reached), ${REACHED_DIGITS}, '0') as reached
            from scores where leaderboard = ${leaderboard} and user_id > ${afterUserId}
            order by user_id limit ${limit}
          ),
          placed as (
            select *, (row_number() over (order by points desc, reached, user_id) - 1) / ${PART_PLAYERS} as part from page
          )
          select count(*)::int as players, (select max(user_id) from page) as "lastUserId", json_build_object(
              'users', json_agg(user_id),
              'scores', json_agg('-' || points),
              'members', json_agg(reached || user_id),
              'values', json_agg(version || ':' || reached || ':' || username)
            )::text as packed
          from placed group by part`,
        READ_LIMIT_MS,
      );
    },
  };
}
