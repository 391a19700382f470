/** What the reading methods have in common on the wire. */
import { AppError } from '../../shared/errors/app-error.ts';
import type { Entry } from '../../shared/values/board.ts';

/** A size of a request: 0 stands for the default. Refuses with LIMIT_INVALID what is above the maximum. */
export function within(value: number, fallback: number, max: number): number {
  if (value > max) throw new AppError('LIMIT_INVALID', { message: `The page size must be 1 to ${max}.` });
  return value === 0 ? fallback : value;
}

export function toEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score, rank: BigInt(rank) };
}
