/**
 * The reading use cases: from the index while Redis holds the epoch that counts, otherwise from Postgres. An answer is `stale` when
 * it comes from Postgres because the index just failed, so that it has no position, and when it comes from the index while
 * Postgres does not answer, so that its freshness can't be confirmed.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { Deadline } from '../../shared/flow/deadline.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import {
  type BoardReading,
  type Entry,
  HIDDEN,
  isOnBoard,
  TOP_SIZE,
  toScore,
} from '../../shared/values/board.ts';
import type { Neighbourhood, RankIndex } from '../index/rank-index.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { TruthBoards } from '../truth/truth-boards.ts';
import type { TruthRanks } from '../truth/truth-ranks.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { createFromIndex } from './from-index.ts';

export interface Place {
  readonly entry: Entry;
  readonly version: bigint;
  readonly players: number;
  /** The player and the neighbours, best first. */
  readonly entries: readonly Entry[];
  readonly stale: boolean;
}

export interface ReadBoardsOptions {
  index: Pick<RankIndex, 'top' | 'around'>;
  truth: Pick<TruthStore, 'states' | 'page'>;
  truthBoards: Pick<TruthBoards, 'recent' | 'belowTop'>;
  truthRanks: Pick<TruthRanks, 'of'>;
  known: Pick<KnownIndex, 'redisEpoch' | 'doubt' | 'vouches' | 'confirmedMs'>;
  log: Log;
}

/**
 * Postgres sorts a board to find a player's neighbours, for this one reader: some 10 ms with this many players. On a larger
 * board the answer holds the player alone until there is an index again.
 */
const MAX_SORTED_PLAYERS = 10_000;
/**
 * Boards sorted at once, of all readers together: half of the connections. Beyond, the player is alone in the answer too, so that
 * one client who asks again and again holds up neither other readers nor the boards of everybody.
 */
const MAX_SORTS = 2;
/** The edge gives up after 1.2 s. */
const READ_PATIENCE_MS = 1_150;
const RETRY_AFTER_MS = 100;

export interface TopReading {
  readonly board: BoardReading;
  readonly stale: boolean;
  /** How long ago Postgres confirmed the index from which the board was read; undefined for a board from Postgres. */
  readonly confirmedMs?: number;
}

export type ReadBoards = ReturnType<typeof createReadBoards>;

export function createReadBoards(options: ReadBoardsOptions) {
  const { index, truth, truthBoards, truthRanks, known } = options;
  const fromIndex = createFromIndex(options);
  let sorts = 0;

  async function aroundFromTruth(
    leaderboard: string,
    userId: string,
    radius: number,
  ): Promise<Neighbourhood> {
    const [state] = await truth.states([{ leaderboard, userId }]);
    if (state === undefined) return { players: 0, entries: [], self: undefined };
    if (!isOnBoard(state)) return { players: 0, entries: [], self: undefined, offBoard: state.version };
    const [standing] = await truthRanks.of(leaderboard, [state], Deadline.after(READ_PATIENCE_MS));
    if (standing === undefined) throw new Error('a player was not counted');
    const { rank, players } = standing;
    const entry = { userId, username: state.username, score: toScore(state.points), rank };
    const self = { entry, version: state.version };
    const isAlone = radius === 0 || players > MAX_SORTED_PLAYERS || sorts >= MAX_SORTS;
    if (isAlone) return { players, entries: [entry], self };
    const first = Math.max(1, rank - radius);
    sorts += 1;
    try {
      return { players, entries: await truth.page(leaderboard, first, rank + radius - first + 1), self };
    } finally {
      sorts -= 1;
    }
  }

  /** The score of a player who is hidden from everybody else, without a rank. Undefined for a player who has none. */
  async function hiddenScore(leaderboard: string, userId: string): Promise<Neighbourhood['self']> {
    const [state] = await truth.states([{ leaderboard, userId }]);
    if (state?.reached !== HIDDEN) return undefined;
    const { username, points, version } = state;
    return { entry: { userId, username, score: toScore(points), rank: 0 }, version };
  }

  async function topFromTruth(leaderboard: string, limit: number): Promise<BoardReading> {
    const { position, entries } = await truthBoards.recent(leaderboard);
    // The position belongs to these first entries, so they come from one reading. A board with fewer has no others.
    const hasMore = limit > TOP_SIZE && entries.length === TOP_SIZE;
    const below = hasMore ? await truthBoards.belowTop(leaderboard) : [];
    const inTop = new Set(entries.map(({ userId }) => userId));
    const all = [...entries, ...below.filter(({ userId }) => !inTop.has(userId))];
    return { position, entries: all.slice(0, limit) };
  }

  return {
    async top(leaderboard: string, limit: number): Promise<TopReading> {
      const board = await fromIndex((epoch) => index.top(epoch, leaderboard, limit));
      if (board !== undefined) return { board, stale: !known.vouches(), confirmedMs: known.confirmedMs() };
      const fallback = await topFromTruth(leaderboard, limit);
      return { board: fallback, stale: fallback.position === undefined };
    },

    /**
     * A player with `radius` neighbours on each side, or a hidden player alone, with rank 0. Refuses with PLAYER_NOT_FOUND, or with VERSION_NOT_REACHED when this reader
     * is behind `minVersion`; 0 is any version.
     */
    async place(leaderboard: string, userId: string, radius: number, minVersion: bigint): Promise<Place> {
      const around =
        (await fromIndex((epoch) => index.around(epoch, leaderboard, userId, radius))) ??
        (await aroundFromTruth(leaderboard, userId, radius));
      const isOff = around.offBoard !== undefined && around.offBoard >= minVersion;
      const self = isOff ? await hiddenScore(leaderboard, userId) : around.self;
      if (self === undefined && isOff) throw new AppError('PLAYER_NOT_FOUND');
      const { players } = around;
      const entries = isOff && self !== undefined ? [self.entry] : around.entries;
      if (self === undefined && minVersion === 0n) throw new AppError('PLAYER_NOT_FOUND');
      if (self === undefined || self.version < minVersion) {
        throw new AppError('VERSION_NOT_REACHED', { retryAfterMs: RETRY_AFTER_MS });
      }
      return { ...self, players, entries, stale: !known.vouches() };
    },
  };
}
