/**
 * Players whose row on a board this process has seen recently. Bounded: the older half is dropped when the newer half is full. A
 * player who was erased meanwhile may still be in it.
 */
import { type Player, playerKey } from '../../shared/values/board.ts';

/** Players in each half, at some 100 bytes each. */
const HALF = 50_000;

export function createSeenPlayers(half = HALF) {
  let newer = new Set<string>();
  let older = new Set<string>();
  return {
    has(player: Player): boolean {
      const key = playerKey(player);
      return newer.has(key) || older.has(key);
    },
    add(players: readonly Player[]): void {
      for (const player of players) newer.add(playerKey(player));
      if (newer.size < half) return;
      older = newer;
      newer = new Set();
    },
  };
}
