/**
 * Finds players far ahead of the others of a board in accepted actions or points. It follows a sample of committed states: a
 * player's gain is the difference between two of them, so a sample is enough. A player is compared with the median gain, not
 * with a fixed number, because only a game knows what its players can do.
 */
import { type PlayerState, playerKey } from '../../shared/values/board.ts';
import type { Flag } from './flags-store.ts';

/** Long enough that a burst of an honest player is not flagged. */
export const SPAN_MS = 10_000;
/** Most states noted between two looks, at a few microseconds each. */
const MAX_NOTED = 1_000;
/** Most players followed in one span, at some 200 bytes each. */
const MAX_FOLLOWED = 10_000;
/** The median of fewer players says too little. */
export const MIN_CROWD = 20;
/** Fewest actions in a span for a flag. */
export const MIN_ACTIONS = 20;
/** Multiple of the median that is flagged. */
export const FAR_AHEAD = 10;

interface Followed {
  readonly first: PlayerState;
  last: PlayerState;
}

export function createStandOuts(monotonicMs: () => number) {
  let noted: PlayerState[] = [];
  let followed = new Map<string, Followed>();
  let spanEndsMs = monotonicMs() + SPAN_MS;

  function follow(state: PlayerState): void {
    const key = playerKey(state);
    const known = followed.get(key);
    if (known === undefined) {
      if (followed.size < MAX_FOLLOWED) followed.set(key, { first: state, last: state });
    } else if (state.version > known.last.version) known.last = state;
  }

  return {
    note(players: readonly PlayerState[]): void {
      if (noted.length < MAX_NOTED) noted.push(...players);
    },
    /** Processes the noted states. At the end of a span, returns flags of the players who stood out in it. */
    look(): Flag[] {
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

/** Flags among the players of one board. */
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
