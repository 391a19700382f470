/** What a leaderboard and its players look like. Boards carry their whole state: a repeated or lost one does no harm. */
import type { Position } from '../../../services/shared/values/position.ts';
import { type BoardSize, DEFAULT_SIZE } from './board-size.ts';

export interface Entry {
  readonly userId: string;
  readonly username: string;
  readonly score: number;
  /** 1-based. */
  readonly rank: number;
}

/** The player whose change led to a board. */
export interface Cause {
  readonly userId: string;
  readonly newScore: number;
}

export interface Board extends Position<number> {
  readonly leaderboard: string;
  /** Best first. */
  readonly entries: readonly Entry[];
  /** How many entries it may have; undefined for the default size, whose frames do not name it. */
  readonly size?: BoardSize | undefined;
  /** Undefined if the board was read from the rank service and not taken from an event. */
  readonly cause: Cause | undefined;
}

/** A player's own state on one board. */
export interface PlayerState {
  readonly userId: string;
  readonly score: number;
  /** 1-based; undefined if the rank index was unavailable. */
  readonly rank: number | undefined;
  /** Newer states have greater versions. */
  readonly version: number;
}

/**
 * The cause of a change for an update frame: the one that came with the board, or the first entry that is new or has another
 * score. Undefined if only a snapshot can show the change: there is no previous board, a new epoch began, or entries only
 * disappeared.
 */
export function causeOf(previous: Board | undefined, next: Board): Cause | undefined {
  if (previous === undefined || previous.epoch !== next.epoch) return undefined;
  if (next.cause !== undefined) return next.cause;
  const scores = new Map(previous.entries.map((entry) => [entry.userId, entry.score]));
  const changed = next.entries.find((entry) => scores.get(entry.userId) !== entry.score);
  return changed && { userId: changed.userId, newScore: changed.score };
}

/** The first entries of a board of the default size. */
export function firstOf(board: Board, size: BoardSize): Board {
  return size === DEFAULT_SIZE ? board : { ...board, size, entries: board.entries.slice(0, size) };
}

/** Whether two boards show the same. */
export function showsSame(one: Board | undefined, other: Board): boolean {
  if (one === undefined || one.entries.length !== other.entries.length) return false;
  return other.entries.every(({ userId, username, score }, at) => {
    const entry = one.entries[at];
    return entry?.userId === userId && entry.score === score && entry.username === username;
  });
}
