/**
 * What a leaderboard looks like and which of two looks is newer. (epoch, seq) is the only ordering token: boards may
 * arrive in any order, repeated, or lost and sent again, and the newest one wins by one comparison.
 */

export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

export interface Entry {
  readonly userId: string;
  readonly username: string;
  readonly score: number;
  /** 1-based. */
  readonly rank: number;
}

/** Whose change made a board the newest. */
export interface Cause {
  readonly userId: string;
  readonly newScore: number;
}

export interface Board extends Position {
  readonly leaderboard: string;
  /** Up to ten, best first. */
  readonly entries: readonly Entry[];
  /** Undefined when the board was read rather than heard of in an event. */
  readonly cause: Cause | undefined;
}

export function isNewer(candidate: Position, known: Position | undefined): boolean {
  if (known === undefined) return true;
  return candidate.epoch === known.epoch ? candidate.seq > known.seq : candidate.epoch > known.epoch;
}

export function isSame(a: Position, b: Position | undefined): boolean {
  return a.epoch === b?.epoch && a.seq === b.seq;
}

/**
 * What changed from one board to the next, in the words of an update: the cause that came with the board, or the first
 * entry that is new or has another score. Undefined when only a snapshot can tell it: nothing to compare with, a new
 * epoch, or entries that merely went away.
 */
export function causeOf(previous: Board | undefined, next: Board): Cause | undefined {
  if (previous === undefined || previous.epoch !== next.epoch) return undefined;
  if (next.cause !== undefined) return next.cause;
  const scores = new Map(previous.entries.map((entry) => [entry.userId, entry.score]));
  const changed = next.entries.find((entry) => scores.get(entry.userId) !== entry.score);
  return changed && { userId: changed.userId, newScore: changed.score };
}
