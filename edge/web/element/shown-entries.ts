/** Which entries of a board are shown, and how: tags for equal names, the scale of the bars, the own row below. Pure. */
import type { BoardEntry, BoardSize, Standing } from '../client/frames.js';

export const DEFAULT_ROWS = 10;
/** As many as a socket sends. */
const MOST_ROWS = 100;
/** The last characters of the user id: enough to tell ten players apart. */
const TAG_LENGTH = 4;
/** A bar is full at this many times the middle score, so that one outlier does not flatten the others. */
const FULL_AT_MEDIANS = 4;

/** The number of rows that an attribute asks for, from 1 to 100; 10 for anything else. */
export function rowsFrom(attribute: string | null): number {
  const rows = Number(attribute ?? DEFAULT_ROWS);
  return Number.isInteger(rows) && rows >= 1 && rows <= MOST_ROWS ? rows : DEFAULT_ROWS;
}

/** The size of the board for the rows that an attribute asks for. Up to ten have the default one, whose entries below them say more of the own place. */
export function sizeFor(attribute: string | null): BoardSize {
  const rows = rowsFrom(attribute);
  if (rows <= DEFAULT_ROWS) return 10;
  return rows <= 50 ? 50 : 100;
}

/** A short part of the user id for each of the entries whose names look equal; the whole id where that is equal, too. */
export function tagsOf(entries: readonly BoardEntry[]): ReadonlyMap<string, string> {
  const alike = ({ username }: BoardEntry) => username.normalize('NFKC').toLowerCase();
  const short = ({ userId }: BoardEntry) => userId.replaceAll(/[^A-Za-z0-9]/g, '').slice(-TAG_LENGTH);
  const tags = new Map<string, string>();
  for (const group of Map.groupBy(entries, alike).values()) {
    if (group.length === 1) continue;
    const areDistinct = new Set(group.map(short)).size === group.length;
    for (const entry of group) tags.set(entry.userId, `#${(areDistinct && short(entry)) || entry.userId}`);
  }
  return tags;
}

/** How much of its bar a score fills, from 0 to 1. Entries are best first, so their scores tell whether less is better. */
export function barShares(entries: readonly BoardEntry[]): (score: number) => number {
  const leader = entries[0]?.score ?? 0;
  const last = entries.at(-1)?.score ?? 0;
  // One more, so that a leader with 0 does not empty all other bars.
  if (leader < last) return (score) => Math.min(1, (leader + 1) / (score + 1));
  const median = entries[Math.floor(entries.length / 2)]?.score ?? 0;
  const full = median === 0 ? leader : Math.min(leader, median * FULL_AT_MEDIANS);
  return (score) => (full === 0 ? 0 : Math.min(1, score / full));
}

export interface Own {
  readonly userId: string;
  /** Empty if the page did not say it. */
  readonly username: string;
  readonly standing: Standing | undefined;
}

/** The own entry if it is below the shown ones: from the board, else from the standing. */
export function entryBelow(
  board: readonly BoardEntry[],
  shown: readonly BoardEntry[],
  { userId, username, standing }: Own,
): BoardEntry | undefined {
  if (shown.some((entry) => entry.userId === userId)) return undefined;
  const onBoard = board.find((entry) => entry.userId === userId);
  if (onBoard !== undefined) return onBoard;
  // The standing of a moment before may be a place that another player has now.
  if (standing?.userId !== userId || standing.rank === null) return undefined;
  if (standing.rank <= Math.max(DEFAULT_ROWS, board.length)) return undefined;
  return { userId, username, score: standing.score, rank: standing.rank };
}
