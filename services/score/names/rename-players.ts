/**
 * Brings the boards of renamed players up to date: the rows in Postgres first, and then each board in the rank index and on the
 * screens. Auth notes who was renamed. The work is done in pages, so a player may have any number of boards, and it is repeated
 * until it has succeeded.
 */
import type { IndexService } from '../../../gen/scoreboard/rank/v1/index_pb.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Player } from '../../shared/values/board.ts';
import type { RenamedStore } from './renamed-store.ts';

/** A new name is on every screen within a second, of which this is the longest wait. */
const LOOK_EVERY_MS = 400;
const PLAYERS = 100;
/** Rows of boards in one statement: a few milliseconds during which their scores wait. */
const PAGE = 500;
/** Boards that rank refreshes at a time. */
const BOARDS_AT_ONCE = 8;
/** After a failure the players are due again. */
const LEASE_MS = 2_000;
const REFRESH_LIMIT_MS = 1_500;

export interface RenamePlayersOptions {
  store: RenamedStore;
  index: Pick<GrpcClient<typeof IndexService>, 'refreshNames'>;
  log: Log;
}

export function createRenamePlayers({ store, index, log }: RenamePlayersOptions) {
  async function refresh(players: readonly Player[]): Promise<void> {
    const boards = [...Map.groupBy(players, ({ leaderboard }) => leaderboard)];
    for (let start = 0; start < boards.length; start += BOARDS_AT_ONCE) {
      await Promise.all(
        boards.slice(start, start + BOARDS_AT_ONCE).map(([leaderboard, members]) => {
          const userIds = members.map(({ userId }) => userId);
          return index.refreshNames({ leaderboard, userIds }, { limitMs: REFRESH_LIMIT_MS });
        }),
      );
    }
  }

  /** All boards and not only those that changed now: an attempt before this one may have failed half-way. */
  async function refreshBoards(userIds: readonly string[]): Promise<void> {
    let page = await store.boards(userIds, undefined, PAGE);
    while (page.length > 0) {
      await refresh(page);
      page = page.length < PAGE ? [] : await store.boards(userIds, page.at(-1), PAGE);
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      const renamed = await store.claim(PLAYERS, LEASE_MS);
      if (renamed.length === 0) return;
      const userIds = renamed.map(({ userId }) => userId);
      let rows = PAGE;
      while (rows === PAGE) rows = await store.apply(userIds, PAGE);
      await refreshBoards(userIds);
      await store.settle(renamed);
    }
  }

  const loop = createLoop({ name: 'renamed players', everyMs: LOOK_EVERY_MS, run, log });
  return {
    start(): void {
      void loop.start();
    },
    stop: () => loop.stop(),
  };
}
