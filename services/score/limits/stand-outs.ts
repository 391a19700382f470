/**
 * Who is far ahead of the others of a board in accepted actions or points. It looks at a sample of the states that commits
 * leave: what a player gained is the difference between two of them, so a sample tells it as well as all would. A player is
 * measured against the median, never against a number that no game has agreed to.
 */
import type { PlayerState } from '../../shared/values/board.ts';
import type { Flag } from './flags-store.ts';

export interface StandOuts {
  note(players: readonly PlayerState[]): void;
  /** Takes in what was noted; at the end of a span, who stood out in it. */
  look(): Flag[];
}

/** Long enough that a burst of an honest player does not look like a habit. */
export const SPAN_MS = 10_000;
/** States kept between two looks: some thousand a second are a few microseconds each. */
const MAX_NOTED = 1_000;
/** Players followed in one span, at some 200 bytes each. */
const MAX_FOLLOWED = 10_000;
/** Of fewer players nobody can say what is usual. */
export const MIN_CROWD = 20;
/** Of one span: less is no habit. */
export const MIN_ACTIONS = 20;
/** Times the median. */
export const FAR_AHEAD = 10;

interface Followed {
  readonly first: PlayerState;
  last: PlayerState;
}

export function createStandOuts(monotonicMs: () => number): StandOuts {
  let noted: PlayerState[] = [];
  let followed = new Map<string, Followed>();
  let spanEndsMs = monotonicMs() + SPAN_MS;

  function follow(state: PlayerState): void {
    const key = `${state.leaderboard} ${state.userId}`;
    const known = followed.get(key);
    if (known === undefined) {
      if (followed.size < MAX_FOLLOWED) followed.set(key, { first: state, last: state });
    } else if (state.version > known.last.version) known.last = state;
  }

  return {
    note(players) {
      if (noted.length < MAX_NOTED) noted.push(...players);
    },
    look() {
      for (const state of noted) follow(state);
      noted = [];
      if (monotonicMs() < spanEndsMs) return [];
      spanEndsMs = monotonicMs() + SPAN_MS;
      const boards = Map.groupBy(followed.values(), ({ first }) => first.leaderboard);
      followed = new Map();
      return [...boards.values()].flatMap(standOutsOf);
    },
  };
}

/** Of the players of one board. */
function standOutsOf(players: readonly Followed[]): Flag[] {
  const gains = players
    .map(({ first, last }) => ({
      state: last,
      actions: Number(last.version - first.version),
      points: Number(last.points - first.points),
    }))
    .filter(({ actions }) => actions > 0);
  if (gains.length < MIN_CROWD) return [];
  const usual = { actions: median(gains.map((g) => g.actions)), points: median(gains.map((g) => g.points)) };
  return gains
    .filter(({ actions }) => actions >= MIN_ACTIONS)
    .flatMap(({ state: { leaderboard, userId }, ...gain }) =>
      (['actions', 'points'] as const)
        .filter((what) => usual[what] > 0 && gain[what] >= FAR_AHEAD * usual[what])
        .map((what) => ({
          ...{ leaderboard, userId, times: 1, reason: what === 'actions' ? 'FAST' : 'RICH' },
          detail: `${gain[what]} ${what} in ${SPAN_MS / 1000} s, the median player ${usual[what]}`,
        })),
    );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
