/**
 * Pages of a board from Postgres, while Redis is away. Each is one statement, so that its entries, their ranks and the number of
 * players are of one moment. It counts the whole board and keeps the entries of the page alone, so that a page far down costs what
 * the first one costs; only a page from a rank on has to sort all that is above it.
 */
import { type ScoreRow, toPlayerState } from '../../shared/stores/postgres/player-state-store.ts';
import type { Sql } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import {
  HIDDEN,
  type OrderKey,
  type Page,
  type PageStart,
  type PlayerState,
  TOP_MAX,
  toScore,
} from '../../shared/values/board.ts';
import { createPerBoard } from './per-board.ts';
import { createRecentReading } from './recent-reading.ts';

export type TruthPages = ReturnType<typeof createTruthPages>;

interface PageRow extends ScoreRow {
  players: number;
  /** How many players are above the page. */
  above: number;
}
/** On a page without entries the counts stand alone. */
type Row = PageRow | { [K in keyof PageRow]: K extends 'players' | 'above' ? number : null };

interface Reading {
  readonly players: number;
  readonly above: number;
  readonly states: readonly PlayerState[];
}

const READ_LIMIT_MS = 2_000;

export function createTruthPages(pool: Pick<PostgresPool, 'run'>) {
  const read = async (statement: (sql: Sql) => PromiseLike<readonly Row[]>): Promise<Reading | undefined> => {
    const rows = await pool.run(statement, READ_LIMIT_MS);
    const [first] = rows;
    if (first === undefined) return undefined;
    const states = rows.filter((row): row is PageRow => row.user_id !== null).map(toPlayerState);
    return { players: first.players, above: first.above, states };
  };

  const firstOf = createPerBoard((leaderboard) =>
    createRecentReading(() => read(fromRank(leaderboard, 1, TOP_MAX))),
  );

  async function readFrom(leaderboard: string, start: PageStart, limit: number) {
    if (start.at === 'after') return read(behind(leaderboard, start.key, limit));
    if (start.at === 'around') return read(around(leaderboard, start.userId, limit));
    // All readers who begin at the top share one reading.
    return start.rank === 1 ? firstOf(leaderboard).recent() : read(fromRank(leaderboard, start.rank, limit));
  }

  return {
    /** Null if the page is to be around a player without a score. A page from the first place on may be a moment old. */
    async page(leaderboard: string, start: PageStart, limit: number): Promise<Page | null> {
      const reading = await readFrom(leaderboard, start, limit);
      return reading === undefined ? null : toPage(reading, limit);
    },
  };
}

function toPage({ players, above, states }: Reading, limit: number): Page {
  const shown = states.slice(0, limit);
  return {
    entries: shown.map(({ userId, username, points }, at) => ({
      ...{ userId, username, score: toScore(points), rank: above + at + 1 },
    })),
    players,
    last: above + shown.length < players ? toKey(shown.at(-1)) : undefined,
  };
}

function toKey(state: PlayerState | undefined): OrderKey | undefined {
  return state && { points: state.points, reached: state.reached, userId: state.userId };
}

const onBoard = (sql: Sql, leaderboard: string) => sql`leaderboard = ${leaderboard} and reached < ${HIDDEN}`;

/** The one total order, in which the best comes first, as a comparison of rows. */
const fromRank = (leaderboard: string, rank: number, limit: number) => (sql: Sql) =>
  sql<Row[]>`
    with board as materialized (select count(*)::int as players from scores where ${onBoard(sql, leaderboard)})
    select board.players, ${rank - 1}::int as above, p.* from board left join lateral (
      select leaderboard, user_id, username, points, version, reached from scores
      where ${onBoard(sql, leaderboard)} order by points desc, reached, user_id limit ${limit} offset ${rank - 1}
    ) p on true
    order by p.points desc, p.reached, p.user_id`;

const behind =
  (leaderboard: string, { points, reached, userId }: OrderKey, limit: number) =>
  (sql: Sql) =>
    sql<Row[]>`
      with board as materialized (
        select count(*)::int as players,
          (count(*) filter (where (-points, reached, user_id) <= (${-points}::bigint, ${reached}::bigint, ${userId})))::int as above
        from scores where ${onBoard(sql, leaderboard)}
      )
      select board.*, p.* from board left join lateral (
        select leaderboard, user_id, username, points, version, reached from scores
        where ${onBoard(sql, leaderboard)} and (-points, reached, user_id) > (${-points}::bigint, ${reached}::bigint, ${userId})
        order by points desc, reached, user_id limit ${limit}
      ) p on true
      order by p.points desc, p.reached, p.user_id`;

/** The page in which a player stands: as many above as belong to it, and from the player on the others. */
const around = (leaderboard: string, userId: string, limit: number) => (sql: Sql) =>
  sql<Row[]>`
    with own as materialized (
      select -points as minus, reached, user_id from scores where ${onBoard(sql, leaderboard)} and user_id = ${userId}
    ),
    board as materialized (
      select count(*)::int as players,
        (count(*) filter (where (-s.points, s.reached, s.user_id) < (own.minus, own.reached, own.user_id)))::int as better
      from scores s, own where s.leaderboard = ${leaderboard} and s.reached < ${HIDDEN}
    ),
    page as (
      (select s.* from scores s, own
        where s.leaderboard = ${leaderboard} and s.reached < ${HIDDEN} and (-s.points, s.reached, s.user_id) < (own.minus, own.reached, own.user_id)
        order by s.points, s.reached desc, s.user_id desc limit (select better % ${limit}::int from board))
      union all
      (select s.* from scores s, own
        where s.leaderboard = ${leaderboard} and s.reached < ${HIDDEN} and (-s.points, s.reached, s.user_id) >= (own.minus, own.reached, own.user_id)
        order by s.points desc, s.reached, s.user_id limit (select ${limit}::int - better % ${limit}::int from board))
    )
    select board.players, board.better - board.better % ${limit}::int as above,
      p.leaderboard, p.user_id, p.username, p.points, p.version, p.reached
    from board, page p order by p.points desc, p.reached, p.user_id`;
