/**
 * Players whose row on a board this process has seen lately. Bounded: the older half is forgotten when the newer half is full. A
 * player who was erased since may still be in it.
 */
export interface SeenPlayers {
  has(player: { leaderboard: string; userId: string }): boolean;
  add(players: ReadonlyArray<{ leaderboard: string; userId: string }>): void;
}

/** Each half: some 100 bytes a player. */
const HALF = 50_000;

export function createSeenPlayers(half = HALF): SeenPlayers {
  let newer = new Set<string>();
  let older = new Set<string>();
  return {
    has(player) {
      const key = keyOf(player);
      return newer.has(key) || older.has(key);
    },
    add(players) {
      for (const player of players) newer.add(keyOf(player));
      if (newer.size < half) return;
      older = newer;
      newer = new Set();
    },
  };
}

const keyOf = ({ leaderboard, userId }: { leaderboard: string; userId: string }): string =>
  `${leaderboard} ${userId}`;
