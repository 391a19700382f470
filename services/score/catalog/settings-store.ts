/** The settings of boards, as the operator sets and reads them. */
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { BoardKind, Operator, SortOrder } from '../../shared/values/board.ts';
import type { BoardState } from '../../shared/values/board-settings.ts';

export interface BoardSettings extends BoardKind {
  readonly name: string;
  /** For display. */
  readonly decimals: number;
  /** For display. */
  readonly unit: string;
  readonly state: BoardState;
  readonly hasScores: boolean;
  readonly createdAtMs: number;
}

/** What a change sets; undefined leaves a setting as it is. */
export type BoardChange = {
  readonly [K in 'operator' | 'order' | 'decimals' | 'unit' | 'state']: BoardSettings[K] | undefined;
};

export interface BoardQuery {
  readonly name: string | undefined;
  /** Boards whose names come after this one; '' begins with the first. */
  readonly after: string;
  readonly limit: number;
  readonly openOnly: boolean;
}

export type SettingsStore = ReturnType<typeof createSettingsStore>;

interface SettingsRow {
  name: string;
  operator: Operator;
  sort_order: SortOrder;
  decimals: number;
  unit: string;
  state: BoardState;
  has_scores: boolean;
  created_at_ms: number;
}

const LIMIT_MS = 2_000;

export function createSettingsStore(pool: Pick<PostgresPool, 'run'>) {
  return {
    /** Returns undefined if there is a board of this name. */
    async create({
      name,
      operator,
      order,
      decimals,
      unit,
    }: Pick<BoardSettings, 'name' | 'operator' | 'order' | 'decimals' | 'unit'>): Promise<
      BoardSettings | undefined
    > {
      const [row] = await pool.run(
        (sql) => sql<SettingsRow[]>`
          insert into boards (name, operator, sort_order, decimals, unit)
          values (${name}, ${operator}, ${order}, ${decimals}, ${unit})
          on conflict do nothing
          returning *, (extract(epoch from created_at) * 1000)::float8 as created_at_ms`,
        LIMIT_MS,
      );
      return row && toSettings(row);
    },

    /** Returns undefined if there is no such board, or the board has scores and the change is not for such a board. */
    async set(name: string, change: BoardChange): Promise<BoardSettings | undefined> {
      const { operator = null, order = null, decimals = null, unit = null, state = null } = change;
      const [row] = await pool.run(
        (sql) => sql<SettingsRow[]>`
          update boards set
            operator = coalesce(${operator}, operator), sort_order = coalesce(${order}, sort_order),
            decimals = coalesce(${decimals}::smallint, decimals), unit = coalesce(${unit}, unit),
            state = coalesce(${state}, state)
          where name = ${name} and (not has_scores or (
            coalesce(${operator}, operator) = operator and coalesce(${order}, sort_order) = sort_order
            and coalesce(${decimals}::smallint, decimals) = decimals))
          returning *, (extract(epoch from created_at) * 1000)::float8 as created_at_ms`,
        LIMIT_MS,
      );
      return row && toSettings(row);
    },

    /** Returns false if there is no such board, or the board has scores. A first score that was faster keeps its board. */
    async delete(name: string): Promise<boolean> {
      const [row] = await pool.run(
        (sql) => sql<{ deleted: boolean }[]>`select delete_unused_board(${name}) as deleted`,
        LIMIT_MS,
      );
      return row?.deleted === true;
    },

    /** In the order of names. */
    async list({ name = '', after, limit, openOnly }: BoardQuery): Promise<BoardSettings[]> {
      const rows = await pool.run(
        (sql) => sql<SettingsRow[]>`
          select *, (extract(epoch from created_at) * 1000)::float8 as created_at_ms from boards
          where (${name} = '' or name = ${name}) and name > ${after}
            and (not ${openOnly}::bool or state = 'open')
          order by name limit ${limit}`,
        LIMIT_MS,
      );
      return rows.map(toSettings);
    },
  };
}

function toSettings(row: SettingsRow): BoardSettings {
  const { name, operator, sort_order: order, decimals, unit, state } = row;
  return {
    ...{ name, operator, order, decimals, unit, state },
    ...{ hasScores: row.has_scores, createdAtMs: row.created_at_ms },
  };
}
