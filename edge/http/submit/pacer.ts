/**
 * Spreads work evenly: at most `perInterval` turns in each interval, in the order of the calls. It bounds the processor
 * time of work that is cheap once and expensive in a flood, such as refusals.
 */

/** After a late timer, turns for at most this many missed intervals are given at once. */
const MAX_INTERVALS = 5;

export function createPacer(perInterval: number, intervalMs: number) {
  const waiting: Array<() => void> = [];
  let left = perInterval;
  let startedAt: number | undefined;

  // An interval starts with its first turn, so no timer runs while there is no work.
  function begin(now: number): void {
    startedAt = now;
    setTimeout(next, intervalMs);
  }

  function next(): void {
    const now = performance.now();
    const intervals = Math.floor((now - (startedAt ?? now)) / intervalMs);
    const turns = perInterval * Math.min(Math.max(intervals, 1), MAX_INTERVALS);
    startedAt = undefined;
    const going = waiting.splice(0, turns);
    left = Math.min(turns - going.length, perInterval);
    if (going.length > 0) begin(now);
    for (const go of going) go();
  }

  return {
    /** Resolves when the caller may go on; returns undefined if it may at once. */
    turn(): undefined | Promise<void> {
      if (startedAt === undefined) begin(performance.now());
      if (left > 0) {
        left -= 1;
        return undefined;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
