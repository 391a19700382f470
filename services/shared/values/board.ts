/** The words of a board, as the services exchange them. Scores, versions and positions are bigint; ranks count from 1. */

/** How many players the published top holds. */
export const TOP_SIZE = 10;
/** Entries that a reader may ask for at most, from the first on. */
export const TOP_MAX = 100;

/** What the truth says of one player on one board. */
export interface PlayerState {
  readonly leaderboard: string;
  readonly userId: string;
  readonly username: string;
  readonly points: bigint;
  readonly version: bigint;
  /** Position of the action that reached these points; smaller is earlier. */
  readonly reached: bigint;
}

export interface Entry {
  readonly userId: string;
  readonly username: string;
  readonly score: bigint;
  readonly rank: number;
}

/** Ordering token: compare epoch first, then seq. */
export interface Position {
  readonly epoch: bigint;
  readonly seq: bigint;
}

/** The top of a board, as it was at its position. */
export interface Board extends Position {
  readonly entries: readonly Entry[];
}

/** Which epoch counts, where it lives, and which one is being built beside it. */
export interface IndexState {
  readonly epoch: bigint;
  readonly source: 'redis' | 'postgres';
  readonly building: bigint | undefined;
}

/** Committed states of one board, and what became of them on the way to where boards are read from. */
export interface Projected {
  readonly leaderboard: string;
  readonly players: readonly PlayerState[];
  /** In the order of the players; undefined when they could not be found in time. */
  readonly ranks: readonly number[] | undefined;
  /** The new top, when these states changed it. */
  readonly board: Board | undefined;
  readonly position: Position | undefined;
  /** False when something is still missing: the outbox row must stay. */
  readonly complete: boolean;
}
