/**
 * Whether a search for unsealed batches may be left out. A batch takes its position before it is committed, so a new position
 * announces a batch, and none can follow without one once all that took theirs have ended.
 */

/** Searches in a row that found nothing: together longer than the slowest commit. */
const SEARCHES = 10;
/** Of so many looks one searches all the same: a Postgres that was paused may have committed later than that. */
const LOOKS_PER_SEARCH = 10;

export function createQuiet() {
  let position: bigint | undefined;
  let empty = 0;
  let rested = 0;
  return {
    /** Called once for each look, with the last position that was taken. */
    allowsRest(last: bigint | undefined): boolean {
      if (last !== position) empty = 0;
      position = last;
      rested = empty < SEARCHES ? 0 : (rested + 1) % LOOKS_PER_SEARCH;
      return rested > 0;
    },
    /** Notes what a search left unsealed. */
    searched(batches: number): void {
      empty = batches === 0 ? empty + 1 : 0;
    },
  };
}
