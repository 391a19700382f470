/**
 * The reading use cases: from the index while it holds the epoch that counts, else from Postgres. An answer says `stale` when
 * it comes from Postgres because the index just failed, so that it has no place in the order of boards, and when it comes
 * from the index while Postgres does not answer, so that nobody vouches for it.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import { type Board, type Entry, TOP_SIZE } from '../../shared/values/board.ts';
import type { Neighbourhood, RankIndex } from '../index/rank-index.ts';
import type { IndexKeeper } from '../rebuild/index-keeper.ts';
import type { TruthBoards } from '../truth/truth-boards.ts';
import type { TruthRanks } from '../truth/truth-ranks.ts';
import type { TruthStore } from '../truth/truth-store.ts';

export interface ReadBoards {
  top(leaderboard: string, limit: number): Promise<{ board: Board; stale: boolean }>;
  /**
   * A player with so many neighbours on each side. Refuses with PLAYER_NOT_FOUND, or VERSION_NOT_REACHED when this reader is
   * behind `minVersion`.
   */
  place(leaderboard: string, userId: string, radius: number, minVersion: bigint): Promise<Place>;
}

export interface Place {
  readonly entry: Entry;
  readonly version: bigint;
  readonly players: number;
  /** The player and the neighbours, best first. */
  readonly entries: readonly Entry[];
  readonly stale: boolean;
}

export interface ReadBoardsOptions {
  index: RankIndex;
  truth: TruthStore;
  truthBoards: TruthBoards;
  truthRanks: TruthRanks;
  keeper: Pick<IndexKeeper, 'state' | 'wake' | 'vouches'>;
  log: Log;
}

/**
 * Postgres sorts a board to find a player's neighbours, for this one reader: in some 10 ms with so many players. On a larger
 * board the player stands alone until there is an index again.
 */
const MAX_SORTED_PLAYERS = 10_000;
/** No reader waits longer: the edge gives up after 1.2 s. */
const READ_PATIENCE_MS = 1_150;

export function createReadBoards(options: ReadBoardsOptions): ReadBoards {
  const { index, truth, truthBoards, truthRanks, keeper, log } = options;
  const warnOfIndex = createRepeatedWarning(log, 'the rank index can not be asked');
  /** The index's answer, or undefined when it can't be asked or does not hold the epoch. */
  async function ask<T>(question: (epoch: bigint) => Promise<T | undefined>): Promise<T | undefined> {
    if (keeper.state.source !== 'redis') return undefined;
    try {
      const answer = await question(keeper.state.epoch);
      if (answer === undefined) keeper.wake();
      return answer;
    } catch (error) {
      warnOfIndex({ err: error });
      keeper.wake();
      return undefined;
    }
  }

  async function aroundFromTruth(
    leaderboard: string,
    userId: string,
    radius: number,
  ): Promise<Neighbourhood> {
    const [state] = await truth.states([{ leaderboard, userId }]);
    if (state === undefined) return { players: 0, entries: [], self: undefined };
    const [{ rank, players } = { rank: 0, players: 0 }] = await truthRanks.of(
      leaderboard,
      [state],
      READ_PATIENCE_MS,
    );
    const entry = { userId, username: state.username, score: state.points, rank };
    const self = { entry, version: state.version };
    if (radius === 0 || players > MAX_SORTED_PLAYERS) return { players, entries: [entry], self };
    const first = Math.max(1, rank - radius);
    return { players, entries: await truth.page(leaderboard, first, rank + radius - first + 1), self };
  }

  const neighbourhood = async (leaderboard: string, userId: string, radius: number) =>
    (await ask((epoch) => index.around(epoch, leaderboard, userId, radius))) ??
    aroundFromTruth(leaderboard, userId, radius);

  return {
    async top(leaderboard, limit) {
      const board = await ask((epoch) => index.top(epoch, leaderboard, limit));
      if (board !== undefined) return { board, stale: !keeper.vouches() };
      const fallback = await truthBoards.recent(leaderboard);
      // The position names these first entries, so they come from its reading; a board with fewer has no others.
      const hasMore = limit > TOP_SIZE && fallback.entries.length === TOP_SIZE;
      const below = hasMore ? await truthBoards.belowTop(leaderboard) : [];
      const inTop = new Set(fallback.entries.map(({ userId }) => userId));
      const entries = [...fallback.entries, ...below.filter(({ userId }) => !inTop.has(userId))].slice(
        0,
        limit,
      );
      // Of a board without a score there is nothing to put in order.
      return { board: { ...fallback, entries }, stale: fallback.seq === 0n && entries.length > 0 };
    },

    async place(leaderboard, userId, radius, minVersion) {
      const { self, players, entries } = await neighbourhood(leaderboard, userId, radius);
      if (self === undefined && minVersion === 0n) throw new AppError('PLAYER_NOT_FOUND');
      if (self === undefined || self.version < minVersion) {
        throw new AppError('VERSION_NOT_REACHED', { retryAfterMs: 100 });
      }
      return { ...self, players, entries, stale: !keeper.vouches() };
    },
  };
}
