/**
 * A limit of a node that its clients share: a holder may take as many places as are still free. So a single holder gets half of
 * them, n greedy holders get n of n + 1 parts, and a newcomer always finds free places. It costs one number per active holder.
 */
export type Shares = ReturnType<typeof createShares>;

/** `places` is a function if it may change. */
export function createShares(places: number | (() => number)) {
  const most = typeof places === 'number' ? () => places : places;
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
    /**
     * Takes a place for each holder, such as an address and a player. Without holders only the total is limited. Undefined when
     * one of them may have no more. The result gives the place back, once.
     */
    take(holders: readonly string[]): (() => void) | undefined {
      const free = most() - taken;
      if (free <= 0 || holders.some((holder) => (held.get(holder) ?? 0) >= free)) return undefined;
      change(holders, 1);
      let isGivenBack = false;
      return () => {
        if (isGivenBack) return;
        isGivenBack = true;
        change(holders, -1);
      };
    },
    get taken(): number {
      return taken;
    },
  };
}
