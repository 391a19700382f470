/** What a board's operator makes of the standing score and a new one, told once more than in SQL, for models and checkers. */
import type { BoardKind } from '../../services/shared/values/board.ts';

/** The standing score after an action; undefined is that of a player without a score. */
export function foldScore({ operator, order }: BoardKind, held: bigint | undefined, points: bigint): bigint {
  if (held === undefined || operator === 'last') return points;
  if (operator === 'sum') return held + points;
  const isBetter = order === 'ascending' ? points < held : points > held;
  return isBetter ? points : held;
}
