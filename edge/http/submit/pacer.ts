/**
 * Lets so many go at once in each stretch of time, and the others in later ones, first come first. What is cheap to do once
 * takes the processor from everything else when it is done without end.
 */
export interface Pacer {
  /** Resolves when it is the caller's turn; undefined when that is now. */
  turn(): undefined | Promise<void>;
}

/** A late timer makes up for so many stretches at most. */
const MAX_STRETCHES = 5;

export function createPacer(perStretch: number, stretchMs: number): Pacer {
  const waiting: Array<() => void> = [];
  let left = perStretch;
  let startedAt: number | undefined;

  // A stretch begins with the first turn in it, so there is no timer while nobody comes.
  function begin(now: number): void {
    startedAt = now;
    setTimeout(next, stretchMs);
  }

  function next(): void {
    const now = performance.now();
    const stretches = Math.floor((now - (startedAt ?? now)) / stretchMs);
    const room = perStretch * Math.min(Math.max(stretches, 1), MAX_STRETCHES);
    startedAt = undefined;
    const going = waiting.splice(0, room);
    left = Math.min(room - going.length, perStretch);
    if (going.length > 0) begin(now);
    for (const go of going) go();
  }

  return {
    turn() {
      if (startedAt === undefined) begin(performance.now());
      if (left > 0) {
        left -= 1;
        return undefined;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
