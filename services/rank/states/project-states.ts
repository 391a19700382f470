/**
 * The projection use case: brings committed states to the boards. The states say which index counted when they were committed.
 * The reconciler takes note of the players, and ranks that the index does not return in time are counted in Postgres while the
 * caller waits.
 */
import type { Deadline } from '../../shared/flow/deadline.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { IndexState, PlayerState, Projected } from '../../shared/values/board.ts';
import type { Projector } from '../project/projector.ts';
import type { IndexKeeper } from '../rebuild/index-keeper.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { Reconciler } from '../reconcile/reconcile.ts';
import type { TruthRanks } from '../truth/truth-ranks.ts';

/** States of one board, at least one. */
export interface BoardStates {
  readonly leaderboard: string;
  readonly players: readonly PlayerState[];
}

export interface ProjectStatesOptions {
  projector: Projector;
  truthRanks: Pick<TruthRanks, 'of'>;
  known: Pick<KnownIndex, 'observe'>;
  keeper: Pick<IndexKeeper, 'fresh'>;
  reconciler: Pick<Reconciler, 'note'>;
  log: Log;
}

/** A submission is answered without a rank rather than late. */
const RANK_PATIENCE_MS = 400;
/** Of the caller's time, what the answer takes to travel. */
const ANSWER_MS = 30;
/** Of the caller's time, what counting takes on a small board when the index does not answer. */
const COUNT_MS = 80;
/** For callers without a deadline. */
const LIMIT_MS = 2_000;

export type ProjectStates = ReturnType<typeof createProjectStates>;

export function createProjectStates(options: ProjectStatesOptions) {
  const { projector, truthRanks, known, keeper, reconciler, log } = options;
  const warnOfIndex = createRepeatedWarning(log, 'the rank index did not answer in time');
  const warnOfRanks = createRepeatedWarning(log, 'ranks could not be counted in time');

  /** A write that is late still takes effect: states have versions. */
  async function projectInTime(
    { leaderboard, players }: BoardStates,
    state: IndexState,
    deadline: Deadline,
  ): Promise<Projected> {
    try {
      return await deadline.race(projector.project(leaderboard, players, state));
    } catch (error) {
      warnOfIndex({ err: error, leaderboard });
      const unknown = { ranks: undefined, board: undefined, position: undefined };
      return { leaderboard, players, ...unknown, complete: false };
    }
  }

  async function withRanks(projected: Projected, deadline: Deadline): Promise<Projected> {
    const { leaderboard, players, ranks } = projected;
    if (ranks !== undefined || deadline.hasPassed()) return projected;
    try {
      const standings = await deadline.race(truthRanks.of(leaderboard, players, deadline));
      return { ...projected, ranks: standings.map(({ rank }) => rank) };
    } catch (error) {
      warnOfRanks({ err: error, leaderboard });
      return projected;
    }
  }

  /**
   * Returns one outcome for each board, in order. `given` is the state that the commit's own statement read. Without it the states
   * were read after their commit: the state is read now, and no ranks are counted, since no player waits for them.
   */
  return async (
    boards: readonly BoardStates[],
    given: IndexState | undefined,
    callersDeadline: Deadline,
  ): Promise<Projected[]> => {
    if (boards.length === 0) return [];
    const deadline = callersDeadline.within(LIMIT_MS).before(ANSWER_MS);
    if (given !== undefined) known.observe(given);
    const state = given ?? (await keeper.fresh());
    return Promise.all(
      boards.map(async (board) => {
        const projected = await projectInTime(board, state, deadline.before(COUNT_MS));
        reconciler.note(board.players);
        return given === undefined ? projected : withRanks(projected, deadline.within(RANK_PATIENCE_MS));
      }),
    );
  };
}
