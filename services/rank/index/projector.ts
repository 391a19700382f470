/**
 * Brings committed states to where boards are read from: the epoch that counts, and the one being built. Answers with
 * what a reply and an event need to say: ranks, the board when it changed, and whether the projection is complete.
 */
import type { Log } from '../shared/log.ts';
import { createRepeatedWarning } from '../shared/repeated-log.ts';
import type { Board, IndexState, PlayerState, Position } from './board.ts';
import type { IndexKeeper } from './index-keeper.ts';
import type { Projection, RankIndex } from './rank-index.ts';
import type { TruthBoards } from './truth-boards.ts';

export interface Projected {
  readonly leaderboard: string;
  readonly players: readonly PlayerState[];
  /** In the order of the players; undefined when the index could not be asked. */
  readonly ranks: readonly number[] | undefined;
  readonly board: Board | undefined;
  readonly position: Position | undefined;
  /** False when something is still missing: the outbox row must stay. */
  readonly complete: boolean;
}

export interface Projector {
  /** Never throws: a projection that failed is incomplete, and delivered later. */
  project(players: readonly PlayerState[], state: IndexState): Promise<Projected[]>;
}

export interface ProjectorOptions {
  index: RankIndex;
  truthBoards: TruthBoards;
  keeper: Pick<IndexKeeper, 'wake'>;
  log: Log;
}

export function createProjector({ index, truthBoards, keeper, log }: ProjectorOptions): Projector {
  const warn = createRepeatedWarning(log, 'projection failed');

  async function projectBoard(
    leaderboard: string,
    players: readonly PlayerState[],
    state: IndexState,
  ): Promise<Projected> {
    const base = { leaderboard, players, ranks: undefined, board: undefined, position: undefined };
    try {
      const shadow =
        state.building === undefined ? undefined : index.projectShadow(state.building, leaderboard, players);
      const [outcome] = await Promise.all([
        state.source === 'redis'
          ? index.project(state.epoch, leaderboard, players)
          : truthBoards.fresh(leaderboard),
        shadow,
      ]);
      // A seq of 0 says that boards are no longer read from Postgres: the state we were given is old. Without entries it says
      // that all players of the board were erased meanwhile.
      if (outcome === undefined || ('seq' in outcome && outcome.seq === 0n && outcome.entries.length > 0)) {
        keeper.wake();
        // An epoch that was just finished may not be pointed to yet: it must not miss what is committed meanwhile.
        if (state.source === 'redis') await index.projectShadow(state.epoch, leaderboard, players);
        return { ...base, complete: false };
      }
      return isProjection(outcome)
        ? { ...base, ...outcome, complete: true }
        : { ...base, board: outcome, position: outcome, complete: true };
    } catch (error) {
      warn({ err: error, leaderboard });
      keeper.wake();
      return { ...base, complete: false };
    }
  }

  return {
    project(players, state) {
      return Promise.all(
        [...groupByLeaderboard(players)].map(([leaderboard, members]) =>
          projectBoard(leaderboard, members, state),
        ),
      );
    },
  };
}

function isProjection(outcome: Projection | Board): outcome is Projection {
  return 'ranks' in outcome;
}

function groupByLeaderboard(players: readonly PlayerState[]): Map<string, PlayerState[]> {
  const groups = new Map<string, PlayerState[]>();
  for (const player of players) {
    const group = groups.get(player.leaderboard);
    if (group === undefined) groups.set(player.leaderboard, [player]);
    else group.push(player);
  }
  return groups;
}
