/** The grammar of a board's settings. A value matches exactly or is refused with BOARD_INVALID. */
import { AppError } from '../errors/app-error.ts';
import type { Operator, SortOrder } from './board.ts';

export const OPERATORS: readonly Operator[] = ['sum', 'best', 'last'];
export const ORDERS: readonly SortOrder[] = ['descending', 'ascending'];
/** Whether a board takes scores, and whether it is listed for players. */
export type BoardState = 'open' | 'closed' | 'archived';
export const STATES: readonly BoardState[] = ['open', 'closed', 'archived'];
export const MAX_DECIMALS = 6;
const MAX_UNIT_CHARACTERS = 16;
/** A unit is one visible line. */
const UNIT = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;

export const parseOperator = (text: string): Operator => oneOf(OPERATORS, text, 'operator');
export const parseOrder = (text: string): SortOrder => oneOf(ORDERS, text, 'order');
export const parseState = (text: string): BoardState => oneOf(STATES, text, 'state');

export function parseDecimals(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_DECIMALS)
    return value;
  throw invalid(`Decimals are a whole number from 0 to ${MAX_DECIMALS}.`);
}

export function parseUnit(text: unknown): string {
  if (typeof text === 'string' && [...text].length <= MAX_UNIT_CHARACTERS && UNIT.test(text)) return text;
  throw invalid(`A unit has at most ${MAX_UNIT_CHARACTERS} visible characters.`);
}

function oneOf<Word extends string>(words: readonly Word[], text: string, what: string): Word {
  const word = words.find((each) => each === text);
  if (word === undefined) throw invalid(`The ${what} is one of: ${words.join(', ')}.`);
  return word;
}

function invalid(message: string): AppError {
  return new AppError('BOARD_INVALID', { message });
}
