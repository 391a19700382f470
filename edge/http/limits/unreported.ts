/**
 * Requests that this node let through and has not reported to Redis yet, by key. It keeps less than a share of a burst per
 * key and forgets the least recently used key when there are too many.
 */

/** The part of a burst that a node may keep unreported. */
const SHARE_OF_BURST = 1 / 16;
const MAX_KEYS = 100_000;

export class UnreportedRequests {
  /** Least recently used first. */
  readonly #counts = new Map<string, number>();

  /** Adds one request. Returns how many to report now, this one included, or 0 if all of them may stay unreported. */
  add(key: string, burst: number): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    const staysHere = count < burst * SHARE_OF_BURST;
    this.set(key, staysHere ? count : 0);
    return staysHere ? 0 : count;
  }

  set(key: string, count: number): void {
    // Deleted first, so that the map's order is that of use.
    this.#counts.delete(key);
    if (count > 0) this.#counts.set(key, count);
    if (this.#counts.size <= MAX_KEYS) return;
    const [oldest = key] = this.#counts.keys();
    this.#counts.delete(oldest);
  }
}
