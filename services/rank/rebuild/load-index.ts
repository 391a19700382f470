/**
 * Fills an epoch of the rank index that is under construction with one board, page by page, from Postgres. Postgres packs
 * the players and a script in Redis unpacks them; this process passes each part on as one string.
 */
import type { RankIndex } from '../index/rank-index.ts';
import type { PackedPlayers, TruthStore } from '../truth/truth-store.ts';

/**
 * Players read at once. In a larger page each player is closer, in the order of the board, to the one written before, so that
 * the nodes that Redis visits on its way are still in the processor's cache.
 */
const PAGE_PLAYERS = 50_000;
/** Redis works on one part while the next is on its way. */
const WRITES_IN_FLIGHT = 2;

export interface LoadIndexOptions {
  index: Pick<RankIndex, 'load'>;
  truth: Pick<TruthStore, 'packed'>;
}

export function createLoadIndex({ index, truth }: LoadIndexOptions) {
  async function write(
    parts: readonly PackedPlayers[],
    epoch: bigint,
    leaderboard: string,
    signal: AbortSignal,
  ): Promise<void> {
    const waiting = parts.values();
    const writer = async () => {
      for (const { packed } of waiting) {
        await index.load(epoch, leaderboard, packed);
        signal.throwIfAborted();
      }
    };
    await Promise.all(Array.from({ length: WRITES_IN_FLIGHT }, writer));
  }

  /** Resolves with the number of players. Rejects between two parts when the signal aborts. */
  return async (epoch: bigint, leaderboard: string, signal: AbortSignal): Promise<number> => {
    let count = 0;
    let page = await truth.packed(leaderboard, '', PAGE_PLAYERS);
    while (page.length > 0) {
      const players = page.reduce((sum, part) => sum + part.players, 0);
      const last = page[0]?.lastUserId ?? '';
      // Each page is read while the one before it is written.
      const [next] = await Promise.all([
        players < PAGE_PLAYERS ? [] : truth.packed(leaderboard, last, PAGE_PLAYERS),
        write(page, epoch, leaderboard, signal),
      ]);
      count += players;
      page = next;
    }
    return count;
  };
}
