/**
 * The table `boards`, as the path of a score needs it. Before its first score a board is claimed: from then on its kind never
 * changes, so that every process may keep it in memory. The first commit wins: that of the operator who creates the board, or of the
 * process that takes its first score.
 */
import { arrayLiteral } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { BoardKind, Operator, SortOrder } from '../../shared/values/board.ts';

/** A board that has scores, or is about to. */
export interface ClaimedBoard extends BoardKind {
  readonly name: string;
  readonly isOpen: boolean;
  /** That of the limits, quarantine and states of boards when this was read. */
  readonly version: bigint;
}

export type BoardStore = ReturnType<typeof createBoardStore>;

interface BoardRow {
  name: string;
  operator: Operator;
  sort_order: SortOrder;
  state: 'open' | 'closed' | 'archived';
  has_scores: boolean;
  version: bigint;
}

/** A submission waits for this, once for each board and process. */
const LIMIT_MS = 800;

export function createBoardStore(pool: Pick<PostgresPool, 'run'>) {
  const read = (names: readonly string[]) =>
    pool.run(
      (sql) => sql<BoardRow[]>`
        select b.name, b.operator, b.sort_order, b.state, b.has_scores, v.version
        from boards b, limits_version v where b.name = any(${arrayLiteral(names)}::text[])`,
      LIMIT_MS,
    );

  /** In the order of names, so that two processes can't wait for each other. */
  const claimUnused = (names: readonly string[], creates: boolean) =>
    pool.run(
      (sql) => sql<BoardRow[]>`
        with claimed as (
          insert into boards (name, has_scores)
          select n.name, true from unnest(${arrayLiteral(names)}::text[]) as n (name)
          where ${creates} or exists (select from boards b where b.name = n.name)
          order by n.name collate "C"
          on conflict (name) do update set has_scores = true
          returning name, operator, sort_order, state, has_scores
        )
        select claimed.*, v.version from claimed, limits_version v`,
      LIMIT_MS,
    );

  return {
    /** The names of those boards that exist. */
    async existing(names: readonly string[]): Promise<string[]> {
      return (await read(names)).map(({ name }) => name);
    },

    /** Claims boards for scores. An unknown board is created if `creates`, and left out otherwise. */
    async claim(names: readonly string[], creates: boolean): Promise<ClaimedBoard[]> {
      const inUse = (await read(names)).filter((row) => row.has_scores);
      const found = new Set(inUse.map(({ name }) => name));
      const others = names.filter((name) => !found.has(name));
      const claimed = others.length === 0 ? [] : await claimUnused(others, creates);
      return [...inUse, ...claimed].map(({ name, operator, sort_order, state, version }) => ({
        ...{ name, operator, order: sort_order, isOpen: state === 'open', version },
      }));
    },
  };
}
