/** The one total order, and boards as the score service words them. */
import {
  type Entry,
  type OrderKey,
  type Page,
  type PageStart,
  type PlayerState,
  type Standings,
  toScore,
} from '../../../../services/shared/values/board.ts';

/** Negative when `a` stands before `b`. User ids are ASCII, so their code units are their bytes. */
export function compareStates(a: OrderKey, b: OrderKey): number {
  if (a.points !== b.points) return a.points > b.points ? -1 : 1;
  if (a.reached !== b.reached) return a.reached < b.reached ? -1 : 1;
  return a.userId < b.userId ? -1 : Number(a.userId > b.userId);
}

/** In the order given, which is the order of ranks from `firstRank` on. */
export function toEntries(states: readonly PlayerState[], firstRank = 1): Entry[] {
  return states.map(({ userId, username, points }, at) => ({
    userId,
    username,
    score: toScore(points),
    rank: firstRank + at,
  }));
}

/** A page of an ordered board; null around a player without a score. */
export function pageOf(ordered: readonly PlayerState[], start: PageStart, limit: number): Page | null {
  const first = firstOf(ordered, start, limit);
  if (first === undefined) return null;
  const shown = ordered.slice(first, first + limit);
  const [last] = shown.slice(-1);
  return {
    entries: toEntries(shown, first + 1),
    players: ordered.length,
    last:
      last === undefined || first + shown.length >= ordered.length
        ? undefined
        : { points: last.points, reached: last.reached, userId: last.userId },
  };
}

function firstOf(ordered: readonly PlayerState[], start: PageStart, limit: number): number | undefined {
  if (start.at === 'rank') return start.rank - 1;
  if (start.at === 'after') return ordered.filter((state) => compareStates(state, start.key) <= 0).length;
  const own = ordered.findIndex(({ userId }) => userId === start.userId);
  return own < 0 ? undefined : own - (own % limit);
}

/** Some players of an ordered board. */
export function standingsOf(ordered: readonly PlayerState[], userIds: readonly string[]): Standings {
  const entries = toEntries(ordered).filter(({ userId }) => userIds.includes(userId));
  return { entries, players: ordered.length };
}
