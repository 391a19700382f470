/** What the services tell each other about boards. Scores and versions are bigint; ranks count from 1. */
import { MAX_SCORE } from './identifiers.ts';
import type { Position } from './position.ts';

/** How many players the published top holds. */
export const TOP_SIZE = 10;
/** Most entries of a top that a reader may ask for. */
export const TOP_MAX = 100;

/** What a new score does to the standing one: it is added, the better one stays, or it takes the place. */
export type Operator = 'sum' | 'best' | 'last';
/** Descending: more is better. Ascending: less is better. */
export type SortOrder = 'descending' | 'ascending';

/** How scores count on a board. It never changes once the board has a score. */
export interface BoardKind {
  readonly operator: Operator;
  readonly order: SortOrder;
}

/**
 * Inside, a greater value is always better: the values of an ascending board are its scores negated. Scores themselves are
 * never negative, so a value needs no order to be read.
 */
export const toValue = (score: bigint, order: SortOrder): bigint => (order === 'ascending' ? -score : score);
export const toScore = (value: bigint): bigint => (value < 0n ? -value : value);

/**
 * Marks of players who are not on the board, in place of the position of an action, and greater than any: those without a standing
 * score, and those with one that is hidden. A state keeps its version, so that an older one never brings the player back.
 */
export const WITHOUT_SCORE = MAX_SCORE;
export const HIDDEN = MAX_SCORE - 1n;
export const isOnBoard = ({ reached }: Pick<PlayerState, 'reached'>): boolean => reached < HIDDEN;

/** A player of one board. */
export interface Player {
  readonly leaderboard: string;
  readonly userId: string;
}

/** Unique to the player and the board: neither id contains a space. */
export const playerKey = ({ leaderboard, userId }: Player): string => `${leaderboard} ${userId}`;

/** The state of one player on one board, as Postgres has it. */
export interface PlayerState extends Player {
  readonly username: string;
  /** The standing score as a value: greater is better. */
  readonly points: bigint;
  readonly version: bigint;
  /** Position of the entry that reached these points; smaller is earlier. Or a mark: the player is not on the board. */
  readonly reached: bigint;
}

export interface Entry {
  readonly userId: string;
  readonly username: string;
  readonly score: bigint;
  readonly rank: number;
}

/**
 * A place in the total order of a board, whether a player has it or not: by value, then by the position of the action that reached
 * it, then by user id. It stays where it is while players move, and means the same in Redis and in Postgres.
 */
export type OrderKey = Pick<PlayerState, 'points' | 'reached' | 'userId'>;

/** Where a page begins. With `around` it is the page in which the player stands, of those counted from the first place on. */
export type PageStart =
  | { readonly at: 'rank'; readonly rank: number }
  | { readonly at: 'after'; readonly key: OrderKey }
  | { readonly at: 'around'; readonly userId: string };

/** A part of a board, best first. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly players: number;
  /** The place of the last entry, if others follow. */
  readonly last: OrderKey | undefined;
}

/** Some players of a board, best first, with their ranks on it. */
export interface Standings {
  readonly entries: readonly Entry[];
  /** How many players the board has. */
  readonly players: number;
}

/** The top of a board at its position. */
export interface Board {
  readonly position: Position;
  readonly entries: readonly Entry[];
}

/** A top that was read. Without a position it can't be compared with others: it may be ahead of a later one. */
export interface BoardReading {
  readonly position: Position | undefined;
  readonly entries: readonly Entry[];
}

/** Which epoch of the rank index counts, where boards are read from, and which epoch is being built. */
export interface IndexState {
  readonly epoch: bigint;
  readonly source: 'redis' | 'postgres';
  readonly building: bigint | undefined;
}

/** Committed states of one board, and how far their projection to the rank index came. */
export interface Projected {
  readonly leaderboard: string;
  readonly players: readonly PlayerState[];
  /** In the order of the players; 0 for one who is not on the board. Undefined when they could not be found in time. */
  readonly ranks: readonly number[] | undefined;
  /** The new top, if these states changed it; without entries if the last player left. */
  readonly board: Board | undefined;
  readonly position: Position | undefined;
  /** False when a part of the projection failed: the outbox row must stay. */
  readonly complete: boolean;
}
