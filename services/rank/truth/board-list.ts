/** Which boards there are, from Postgres. There may be any number of them, so each statement reads a limited number. */
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

const LIMIT_MS = 2_000;
/** Boards read by one statement: some 50 ms. */
const PAGE_BOARDS = 5_000;

export function createBoardList(pool: Pick<PostgresPool, 'run'>) {
  /** Steps from board to board along the primary key instead of reading every row. */
  async function boardsAfter(leaderboard: string, limit: number): Promise<string[]> {
    const rows = await pool.run(
      (sql) => sql<{ leaderboard: string }[]>`
        with recursive board as (
          (select leaderboard from scores where leaderboard > ${leaderboard} order by leaderboard limit 1)
          union all
          select (select s.leaderboard from scores s where s.leaderboard > board.leaderboard order by s.leaderboard limit 1)
          from board where board.leaderboard is not null
        )
        select leaderboard from board where leaderboard is not null limit ${limit}`,
      LIMIT_MS,
    );
    return rows.map((row) => row.leaderboard);
  }

  return {
    /** Every board, in the order of their ids. */
    async leaderboards(): Promise<string[]> {
      const boards = await boardsAfter('', PAGE_BOARDS);
      let last = boards.length < PAGE_BOARDS ? undefined : boards.at(-1);
      while (last !== undefined) {
        const page = await boardsAfter(last, PAGE_BOARDS);
        for (const board of page) boards.push(board);
        last = page.length < PAGE_BOARDS ? undefined : page.at(-1);
      }
      return boards;
    },

    /** The boards, of those given, that have a player. */
    async knownBoards(leaderboards: readonly string[]): Promise<string[]> {
      const rows = await pool.run(
        (sql) => sql<{ leaderboard: string }[]>`
          select given.leaderboard from unnest(${arrayLiteral(leaderboards)}::text[]) as given (leaderboard)
          where exists (select from scores s where s.leaderboard = given.leaderboard collate "C")`,
        LIMIT_MS,
      );
      return rows.map(({ leaderboard }) => leaderboard);
    },

    /** The first board after the given one, in the order of their ids; undefined after the last. */
    async boardAfter(leaderboard: string): Promise<string | undefined> {
      const [next] = await boardsAfter(leaderboard, 1);
      return next;
    },
  };
}
