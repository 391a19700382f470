/** The entries of a board as the scripts return them. */
import { type Entry, type OrderKey, toScore } from '../../shared/values/board.ts';
import { REACHED_DIGITS } from './index-scripts.ts';

/** [member ' ' version:reached:username, minus the value, …] → entries. A user id holds no space. */
export function parseEntries(flat: readonly string[], firstRank: number): Entry[] {
  const entries: Entry[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const [described = '', minusValue = '0'] = [flat[i], flat[i + 1]];
    const space = described.indexOf(' ');
    const nameStart = described.indexOf(':', space) + 1 + REACHED_DIGITS + 1;
    entries.push({
      userId: described.slice(REACHED_DIGITS, space),
      username: described.slice(nameStart),
      score: toScore(BigInt(minusValue)),
      rank: firstRank + i / 2,
    });
  }
  return entries;
}

/** The place in the order of the last of these entries; undefined when there is none. */
export function lastKey(flat: readonly string[]): OrderKey | undefined {
  const [described, minusValue] = flat.slice(-2);
  if (described === undefined || minusValue === undefined) return undefined;
  return {
    points: -BigInt(minusValue),
    reached: BigInt(`0x${described.slice(0, REACHED_DIGITS)}`),
    userId: described.slice(REACHED_DIGITS, described.indexOf(' ')),
  };
}
