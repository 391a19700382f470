/** The one total order, and boards as the score service words them. */
import type { Entry, PlayerState } from '../../../../services/shared/values/board.ts';

/** Negative when `a` stands before `b`. User ids are ASCII, so their code units are their bytes. */
export function compareStates(a: PlayerState, b: PlayerState): number {
  if (a.points !== b.points) return a.points > b.points ? -1 : 1;
  if (a.reached !== b.reached) return a.reached < b.reached ? -1 : 1;
  return a.userId < b.userId ? -1 : Number(a.userId > b.userId);
}

/** In the order given, which is the order of ranks from `firstRank` on. */
export function toEntries(states: readonly PlayerState[], firstRank = 1): Entry[] {
  return states.map(({ userId, username, points }, at) => ({
    userId,
    username,
    score: points,
    rank: firstRank + at,
  }));
}
