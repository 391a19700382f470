/** A warning that may occur many times a second: it is written at intervals, with the number of times it was left out. */
import type { Log } from './log.ts';

/** Six lines a minute tell an operator as much as a hundred a second. */
const WRITE_EVERY_MS = 10_000;

/** Writes the first warning at once, and then at most one per interval. */
export function createRepeatedWarning(log: Log, message: string): (fields: object) => void {
  let nextAtMs = -Infinity;
  let leftOut = 0;
  return (fields) => {
    const nowMs = performance.now();
    if (nowMs < nextAtMs) {
      leftOut += 1;
      return;
    }
    nextAtMs = nowMs + WRITE_EVERY_MS;
    log.warn(leftOut === 0 ? fields : { ...fields, leftOut }, message);
    leftOut = 0;
  };
}
