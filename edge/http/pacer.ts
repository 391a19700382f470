/**
 * Lets so many go at once in each stretch of time, and the others in later ones, first come first. What is cheap to do once
 * takes the processor from everything else when it is done without end.
 */
export interface Pacer {
  /** Resolves when it is the caller's turn; undefined when that is now. */
  turn(): undefined | Promise<void>;
}

export function createPacer(perStretch: number, stretchMs: number): Pacer {
  const waiting: Array<() => void> = [];
  let left = perStretch;
  let isStretch = false;

  function nextStretch(): void {
    isStretch = false;
    const going = waiting.splice(0, perStretch);
    left = perStretch - going.length;
    if (going.length > 0) begin();
    for (const go of going) go();
  }

  // A stretch begins with the first turn in it, so there is no timer while nobody comes.
  function begin(): void {
    if (isStretch) return;
    isStretch = true;
    setTimeout(nextStretch, stretchMs);
  }

  return {
    turn() {
      begin();
      if (left > 0) {
        left -= 1;
        return undefined;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
