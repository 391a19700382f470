/** Fills an epoch of the rank index that is under construction with one board, page by page, straight from the truth. */
import type { PlayerState } from './board.ts';
import type { RankIndex } from './rank-index.ts';
import type { TruthStore } from './truth-store.ts';

/** Players read at once: large enough to be fast, small enough not to hold up live scripts for long. */
const PAGE = 2_000;
/** Players written by one script, so that Redis works on some while the next are being encoded. */
const WRITE = 500;

export interface LoadIndexOptions {
  index: Pick<RankIndex, 'projectShadow'>;
  truth: Pick<TruthStore, 'scan'>;
}

/** Resolves with how many players there were. `afterPage` is awaited after each page, and stops the loading by rejecting. */
export type LoadIndex = (
  epoch: bigint,
  leaderboard: string,
  afterPage: () => Promise<void>,
) => Promise<number>;

export function createLoadIndex({ index, truth }: LoadIndexOptions): LoadIndex {
  async function write(epoch: bigint, leaderboard: string, page: readonly PlayerState[]): Promise<void> {
    const starts = Array.from({ length: Math.ceil(page.length / WRITE) }, (_, part) => part * WRITE);
    await Promise.all(
      starts.map((start) => index.projectShadow(epoch, leaderboard, page.slice(start, start + WRITE))),
    );
  }

  return async (epoch, leaderboard, afterPage) => {
    let count = 0;
    let page = await truth.scan(leaderboard, '', PAGE);
    while (page.length > 0) {
      const last = page.at(-1);
      const isLast = page.length < PAGE || last === undefined;
      // One page is read while the one before is written.
      const [next] = await Promise.all([
        isLast ? [] : truth.scan(leaderboard, last.userId, PAGE),
        write(epoch, leaderboard, page),
      ]);
      count += page.length;
      await afterPage();
      page = next;
    }
    return count;
  };
}
