/** Brings declared boards into the database: all of them, or none. Boards that are not declared stay as they are. */
import { searchPath } from '../shared/stores/postgres/database-schema.ts';
import type { Sql } from '../shared/stores/postgres/postgres.ts';
import type { DeclaredBoard } from './boards-file.ts';

/** Throws if a board with scores would change its kind or its decimals. */
export async function applyBoards(sql: Sql, schema: string, boards: readonly DeclaredBoard[]): Promise<void> {
  const declared = JSON.stringify(boards.map(({ order, ...board }) => ({ ...board, sort_order: order })));
  const literal = `'${declared.replaceAll("'", "''")}'`;
  // A pooler takes no search path from the connection.
  const statements = [
    `set local search_path = ${searchPath(schema)}`,
    `select apply_boards(${literal}::jsonb)`,
  ];
  try {
    await sql.unsafe(`begin; ${statements.join('; ')}; commit;`).simple();
  } catch (error) {
    await sql.unsafe('rollback').catch(ignoreLost);
    throw error;
  }
}

/** Without the connection there is no transaction. */
function ignoreLost(): void {}
