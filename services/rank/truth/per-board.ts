/** Bounded cache with one value per leaderboard, created on first use. */

/**
 * Boards kept. Beyond that the least recently used one is dropped, so that a board that is read all the time stays, however
 * many made-up names are read once.
 */
const MAX_BOARDS = 1_000;

export function createPerBoard<Value>(make: (leaderboard: string) => Value): (leaderboard: string) => Value {
  const made = new Map<string, Value>();
  return (leaderboard) => {
    const value = made.get(leaderboard) ?? make(leaderboard);
    // Deleted first, so that the map's order is that of use.
    made.delete(leaderboard);
    made.set(leaderboard, value);
    if (made.size > MAX_BOARDS) {
      const [oldest = leaderboard] = made.keys();
      made.delete(oldest);
    }
    return value;
  };
}
