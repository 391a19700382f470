/**
 * Brings committed states to where boards are read from: the epoch that counts, and the one being built. Answers with
 * what a reply and an event need to say: ranks, the board when it changed, and whether the projection is complete.
 */

import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { Board, IndexState, PlayerState, Projected } from '../../shared/values/board.ts';
import type { Projection, RankIndex } from '../index/rank-index.ts';
import type { IndexKeeper } from '../rebuild/index-keeper.ts';
import type { TruthBoards } from '../truth/truth-boards.ts';

export interface Projector {
  /** States of one board. Never throws: a projection that failed is incomplete, and delivered later. */
  project(leaderboard: string, players: readonly PlayerState[], state: IndexState): Promise<Projected>;
}

export interface ProjectorOptions {
  index: RankIndex;
  truthBoards: TruthBoards;
  keeper: Pick<IndexKeeper, 'wake'>;
  log: Log;
}

export function createProjector({ index, truthBoards, keeper, log }: ProjectorOptions): Projector {
  const warn = createRepeatedWarning(log, 'projection failed');
  return {
    async project(leaderboard, players, state) {
      const incomplete = { leaderboard, players, ranks: undefined, board: undefined, position: undefined };
      try {
        const [outcome, isInShadow] = await Promise.all([
          state.source === 'redis'
            ? index.project(state.epoch, leaderboard, players)
            : truthBoards.fresh(leaderboard),
          state.building === undefined || index.projectShadow(state.building, leaderboard, players),
        ]);
        // A seq of 0 says that boards are no longer read from Postgres: the state we were given is old. Without entries it says
        // that all players of the board were erased meanwhile.
        if (outcome === undefined || ('seq' in outcome && outcome.seq === 0n && outcome.entries.length > 0)) {
          keeper.wake();
          // An epoch that was just finished may not be pointed to yet: it must not miss what is committed meanwhile.
          if (state.source === 'redis') await index.projectShadow(state.epoch, leaderboard, players);
          return { ...incomplete, complete: false };
        }
        const projected = isProjection(outcome) ? outcome : { board: outcome, position: outcome };
        return { ...incomplete, ...projected, complete: isInShadow };
      } catch (error) {
        warn({ err: error, leaderboard });
        keeper.wake();
        return { ...incomplete, complete: false };
      }
    },
  };
}

function isProjection(outcome: Projection | Board): outcome is Projection {
  return 'ranks' in outcome;
}
