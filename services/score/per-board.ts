/** Something of its own for each board, made when first asked for. */

/** Boards that are remembered; with more, the one remembered for longest is made anew when it is next asked for. */
const MAX_BOARDS = 1_000;

export function createPerBoard<Value>(make: (leaderboard: string) => Value): (leaderboard: string) => Value {
  const made = new Map<string, Value>();
  return (leaderboard) => {
    let value = made.get(leaderboard);
    if (value === undefined) {
      value = make(leaderboard);
      made.set(leaderboard, value);
      if (made.size > MAX_BOARDS) {
        const [oldest = leaderboard] = made.keys();
        made.delete(oldest);
      }
    }
    return value;
  };
}
