/**
 * From which batch on it is worth looking for one that is not sealed. A sealed batch leaves a dead entry behind in the index, and
 * a search from the first batch would pass all of them until the table is vacuumed. Batches commit in any order, so one may
 * still come below what was all sealed a moment ago: hence the floor stays some looks behind, and now and then there is none.
 */
export interface SealedFloor {
  /** The lowest batch to look at this time; undefined for all there are. */
  next(): bigint | undefined;
  /** Told at the end of a look, and not when it failed: all that is committed below this batch was sealed. */
  sawSealedBelow(batch: bigint): void;
}

/** With a look each second: longer than a commit takes, whatever the disk does. */
const LOOKS_BEHIND = 10;
const LOOK_AT_ALL_EVERY = 60;

export function createSealedFloor(): SealedFloor {
  let seen: bigint[] = [];
  let looks = 0;
  return {
    next() {
      const isWhole = looks % LOOK_AT_ALL_EVERY === 0;
      return isWhole || seen.length < LOOKS_BEHIND ? undefined : seen[0];
    },
    sawSealedBelow(batch) {
      looks += 1;
      const [floor] = seen;
      // Something waits below the floor: all is looked at until there is a new one.
      if (floor !== undefined && batch < floor) seen = [];
      seen.push(batch);
      if (seen.length > LOOKS_BEHIND) seen.shift();
    },
  };
}
