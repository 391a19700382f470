/**
 * The projection use case: committed states, and which index counted when they were committed. Players become known to the
 * reconciler, and ranks that the index can not tell are counted in Postgres while the caller waits.
 */

import { withDeadline } from '../../shared/flow/with-deadline.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { IndexState, PlayerState, Projected } from '../../shared/values/board.ts';
import type { Projector } from '../project/projector.ts';
import type { IndexKeeper } from '../rebuild/index-keeper.ts';
import type { Reconciler } from '../reconcile/reconcile.ts';
import type { TruthRanks } from '../truth/truth-ranks.ts';

/** States of one board, at least one. */
export interface BoardStates {
  readonly leaderboard: string;
  readonly players: readonly PlayerState[];
}

/**
 * `state` is what the commit's own statement read. Undefined says that the states were read later: then it is read now, and nobody
 * waits for ranks. One outcome for each board, in order.
 */
export type ProjectStates = (
  boards: readonly BoardStates[],
  state: IndexState | undefined,
  remainingMs: number,
) => Promise<Projected[]>;

export interface ProjectStatesOptions {
  projector: Projector;
  truthRanks: TruthRanks;
  keeper: Pick<IndexKeeper, 'fresh' | 'observe'>;
  reconciler: Pick<Reconciler, 'note'>;
  log: Log;
}

/** A submission is answered without a rank rather than late. */
const RANK_PATIENCE_MS = 400;
/** Of the caller's time, what the answer takes to arrive, */
const ANSWER_MS = 30;
/** and what counting takes on a board that is not large, should the index be silent. */
const COUNT_MS = 80;
/** However long the caller would wait. */
const LIMIT_MS = 2_000;

export function createProjectStates(options: ProjectStatesOptions): ProjectStates {
  const { projector, truthRanks, keeper, reconciler, log } = options;
  const warnOfIndex = createRepeatedWarning(log, 'the rank index did not answer in time');
  const warnOfRanks = createRepeatedWarning(log, 'ranks could not be counted in time');

  /** An index that is silent goes on in its own time: states have versions. */
  async function projectInTime({ leaderboard, players }: BoardStates, state: IndexState, limitMs: number) {
    try {
      return await withDeadline(projector.project(leaderboard, players, state), limitMs);
    } catch (error) {
      warnOfIndex({ err: error, leaderboard });
      const unknown = { ranks: undefined, board: undefined, position: undefined };
      return { leaderboard, players, ...unknown, complete: false };
    }
  }

  async function withRanks(projected: Projected, patienceMs: number): Promise<Projected> {
    const { leaderboard, players, ranks } = projected;
    if (ranks !== undefined || patienceMs <= 0) return projected;
    try {
      const counting = truthRanks.of(leaderboard, players, patienceMs);
      const standings = await withDeadline(counting, patienceMs);
      return { ...projected, ranks: standings.map(({ rank }) => rank) };
    } catch (error) {
      warnOfRanks({ err: error, leaderboard });
      return projected;
    }
  }

  return async (boards, given, remainingMs) => {
    if (boards.length === 0) return [];
    const started = performance.now();
    if (given !== undefined) keeper.observe(given);
    const state = given ?? (await keeper.fresh());
    return Promise.all(
      boards.map(async (board) => {
        const leftMs = () => Math.min(remainingMs, LIMIT_MS) - ANSWER_MS - (performance.now() - started);
        const projected = await projectInTime(board, state, leftMs() - COUNT_MS);
        reconciler.note(board.players);
        return given === undefined ? projected : withRanks(projected, Math.min(leftMs(), RANK_PATIENCE_MS));
      }),
    );
  };
}
