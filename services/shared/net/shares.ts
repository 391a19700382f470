/**
 * A bound of a node that its users share: one holder may have as many places as are still free. So one alone gets half of
 * them, n greedy ones get n of n + 1 parts, and a newcomer always finds some. It costs one number a holder that holds any.
 */
export interface Shares {
  /**
   * Takes a place in the name of each holder, such as an address and a player; without one, only all together are bounded.
   * Undefined when there is none left for one of them. The result gives the place back, once.
   */
  take(holders: readonly string[]): (() => void) | undefined;
  readonly taken: number;
}

export function createShares(places: number): Shares {
  const held = new Map<string, number>();
  let taken = 0;

  function change(holders: readonly string[], by: number): void {
    taken += by;
    for (const holder of holders) {
      const now = (held.get(holder) ?? 0) + by;
      if (now === 0) held.delete(holder);
      else held.set(holder, now);
    }
  }

  return {
    take(holders) {
      const free = places - taken;
      if (free <= 0 || holders.some((holder) => (held.get(holder) ?? 0) >= free)) return undefined;
      change(holders, 1);
      let isGivenBack = false;
      return () => {
        if (isGivenBack) return;
        isGivenBack = true;
        change(holders, -1);
      };
    },
    get taken() {
      return taken;
    },
  };
}
