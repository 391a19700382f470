/** A bounded cache with one value for each board, made when first asked for. */

/**
 * Boards that are remembered; beyond, the one that was asked for longest ago is made anew when it is next asked for. So a board
 * that is read all the time stays, however many made-up ones are asked for once.
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
