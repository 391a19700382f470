/**
 * Projects committed states to the epoch that counts and to the one being built. Returns what an answer and an event need:
 * ranks, the board if it changed, and whether the projection is complete.
 */
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { Board, IndexState, PlayerState, Projected } from '../../shared/values/board.ts';
import type { Position } from '../../shared/values/position.ts';
import type { RankIndex } from '../index/rank-index.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { TruthBoards } from '../truth/truth-boards.ts';

export interface ProjectorOptions {
  index: Pick<RankIndex, 'project' | 'projectShadow'>;
  truthBoards: Pick<TruthBoards, 'fresh'>;
  known: Pick<KnownIndex, 'doubt'>;
  log: Log;
}

interface Outcome {
  readonly ranks?: readonly number[];
  readonly board: Board | undefined;
  readonly position: Position;
}

export type Projector = ReturnType<typeof createProjector>;

export function createProjector({ index, truthBoards, known, log }: ProjectorOptions) {
  const warn = createRepeatedWarning(log, 'projection failed');

  /** In the epoch that counts. Undefined when boards are not read from there any more: the given state is old. */
  async function projectLive(
    leaderboard: string,
    players: readonly PlayerState[],
    { source, epoch }: IndexState,
  ): Promise<Outcome | undefined> {
    if (source === 'redis') return index.project(epoch, leaderboard, players);
    const { position, entries } = await truthBoards.fresh(leaderboard);
    return position && { position, board: { position, entries } };
  }

  return {
    /** States of one board. Never rejects: a projection that failed is incomplete, and the outbox delivers it later. */
    async project(
      leaderboard: string,
      players: readonly PlayerState[],
      state: IndexState,
    ): Promise<Projected> {
      const incomplete = { leaderboard, players, ranks: undefined, board: undefined, position: undefined };
      try {
        const [outcome, isInShadow] = await Promise.all([
          projectLive(leaderboard, players, state),
          state.building === undefined || index.projectShadow(state.building, leaderboard, players),
        ]);
        if (outcome !== undefined) return { ...incomplete, ...outcome, complete: isInShadow };
        known.doubt();
        // The pointer may not name an epoch yet that was just finished. That epoch must not miss these states.
        if (state.source === 'redis') await index.projectShadow(state.epoch, leaderboard, players);
      } catch (error) {
        warn({ err: error, leaderboard });
        known.doubt();
      }
      return { ...incomplete, complete: false };
    },
  };
}
