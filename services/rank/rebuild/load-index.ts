/**
 * Fills an epoch of the rank index that is under construction with one board, page by page, straight from the truth.
 * Postgres packs the players and a script in Redis unpacks them; in between they are one string.
 */
import type { RankIndex } from '../index/rank-index.ts';
import type { PackedPlayers, TruthStore } from '../truth/truth-store.ts';

/**
 * Players read at once. The more there are, the nearer is each, in the order of the board, to the one written before it, and
 * what Redis walks through on its way to it is still in the processor's cache.
 */
const PAGE_PLAYERS = 50_000;
/** Redis works on one part while the next is on its way. */
const WRITES_IN_FLIGHT = 2;

export interface LoadIndexOptions {
  index: Pick<RankIndex, 'load'>;
  truth: Pick<TruthStore, 'packed'>;
}

/** Resolves with how many players there were. Rejects between two parts when the signal aborts. */
export type LoadIndex = (epoch: bigint, leaderboard: string, signal: AbortSignal) => Promise<number>;

export function createLoadIndex({ index, truth }: LoadIndexOptions): LoadIndex {
  return async (epoch, leaderboard, signal) => {
    async function write(parts: readonly PackedPlayers[]): Promise<void> {
      const waiting = parts.values();
      const writer = async () => {
        for (const { packed } of waiting) {
          await index.load(epoch, leaderboard, packed);
          signal.throwIfAborted();
        }
      };
      await Promise.all(Array.from({ length: WRITES_IN_FLIGHT }, writer));
    }

    let count = 0;
    let page = await truth.packed(leaderboard, '', PAGE_PLAYERS);
    while (page.length > 0) {
      const players = page.reduce((sum, part) => sum + part.players, 0);
      const last = page[0]?.lastUserId ?? '';
      // One page is read while the one before is written.
      const [next] = await Promise.all([
        players < PAGE_PLAYERS ? [] : truth.packed(leaderboard, last, PAGE_PLAYERS),
        write(page),
      ]);
      count += players;
      page = next;
    }
    return count;
  };
}
