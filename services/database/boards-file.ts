/**
 * The boards that a file declares: `{"boards":[{"name":"laps","operator":"best","order":"ascending","decimals":3,"unit":"s"}]}`. A
 * missing setting has its default. An unknown field or a name that occurs twice is refused, since either is a mistake.
 */
import { readFileSync } from 'node:fs';
import type { BoardKind } from '../shared/values/board.ts';
import { parseDecimals, parseOperator, parseOrder, parseUnit } from '../shared/values/board-settings.ts';
import { parseLeaderboard } from '../shared/values/identifiers.ts';

export interface DeclaredBoard extends BoardKind {
  readonly name: string;
  readonly decimals: number;
  readonly unit: string;
}

const FIELDS = ['name', 'operator', 'order', 'decimals', 'unit'];

export function readBoardsFile(path: string): DeclaredBoard[] {
  try {
    return parseBoards(readFileSync(path, 'utf8'));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`BOARDS_FILE ${path}: ${message}`, { cause: error });
  }
}

/** Exported for its tests. */
export function parseBoards(text: string): DeclaredBoard[] {
  const file: unknown = JSON.parse(text);
  const { boards: list }: { readonly boards?: unknown } = isObject(file) ? file : {};
  if (!Array.isArray(list)) throw new Error('it must be an object with the list "boards"');
  const boards = list.map(parseBoard);
  const names = boards.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`the board ${twice} is declared twice`);
  return boards;
}

function parseBoard(entry: unknown, at: number): DeclaredBoard {
  if (!isObject(entry)) throw new Error(`entry ${at + 1} must be an object`);
  const { name = '', operator = 'sum', order = 'descending', decimals = 0, unit = '' } = entry;
  const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new Error(`entry ${at + 1} has an unknown field "${unknown}"`);
  if (name === '') throw new Error(`entry ${at + 1} needs a name`);
  return {
    name: parseLeaderboard(name),
    operator: parseOperator(String(operator)),
    order: parseOrder(String(order)),
    decimals: parseDecimals(decimals),
    unit: parseUnit(unit),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
