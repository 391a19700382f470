/**
 * The lowest batch at which a search for unsealed batches has to begin. A sealed batch leaves a dead index entry until the
 * table is vacuumed, and a search from the first batch would pass all of them. Batches commit in any order, so a batch may
 * still be committed below a range that was all sealed a moment ago. Therefore the floor stays some searches behind, and a
 * search from the first batch follows now and then.
 */
export type SealedFloor = ReturnType<typeof createSealedFloor>;

/** With one search a second, longer than the slowest commit. */
const SEARCHES_BEHIND = 10;
const SEARCH_ALL_EVERY = 60;

export function createSealedFloor() {
  let seen: bigint[] = [];
  let searches = 0;
  return {
    /** Where the next search begins; undefined for the first batch. */
    next(): bigint | undefined {
      const isWhole = searches % SEARCH_ALL_EVERY === 0;
      return isWhole || seen.length < SEARCHES_BEHIND ? undefined : seen[0];
    },
    /** Notes at the end of a successful search that all batches committed below this one are sealed. */
    sawSealedBelow(batch: bigint): void {
      searches += 1;
      const [floor] = seen;
      // There is an unsealed batch below the floor: search everything until there is a new floor.
      if (floor !== undefined && batch < floor) seen = [];
      seen.push(batch);
      if (seen.length > SEARCHES_BEHIND) seen.shift();
    },
  };
}
