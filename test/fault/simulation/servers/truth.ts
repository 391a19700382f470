/** The readings of Postgres (boards, players, ranks), as their store promises. */

import type { TruthPages } from '../../../../services/rank/truth/truth-pages.ts';
import type { TruthStore } from '../../../../services/rank/truth/truth-store.ts';
import { type BoardReading, isOnBoard, type PlayerState } from '../../../../services/shared/values/board.ts';
import { playerKey } from '../../checker/evidence/evidence.ts';
import type { Process } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';
import type { Database } from './database.ts';
import { epochStoreOf } from './epoch-store.ts';
import { pack } from './packed.ts';
import { compareStates, pageOf, toEntries } from './standings.ts';

const READ_LIMIT_MS = 2_000;
const TOP_SIZE = 10;

export type Truth = ReturnType<typeof createTruth>;

export function createTruth(database: Database, time: VirtualTime) {
  const { index, scores } = database;
  /** The ordering token of a board while it is read from here. */
  const tokens = new Map<string, { epoch: bigint; seq: bigint; print: string }>();
  const rowsOf = (leaderboard: string): PlayerState[] =>
    [...scores.values()].filter((state) => state.leaderboard === leaderboard);
  const ordered = (leaderboard: string): PlayerState[] =>
    rowsOf(leaderboard).filter(isOnBoard).sort(compareStates);

  function board(leaderboard: string): BoardReading {
    const entries = toEntries(ordered(leaderboard).slice(0, TOP_SIZE));
    const { epoch } = index;
    if (index.source !== 'postgres')
      return { position: entries.length > 0 ? undefined : { epoch, seq: 0n }, entries };
    const print = entries.map(({ userId, score }) => `${userId} ${score}`).join();
    const token = tokens.get(leaderboard);
    const seq = token?.epoch !== epoch ? 1n : token.seq + (token.print === print ? 0n : 1n);
    tokens.set(leaderboard, { epoch, seq, print });
    return { position: { epoch, seq }, entries };
  }

  const after = (leaderboard: string, userId: string, limit: number): PlayerState[] =>
    rowsOf(leaderboard)
      .filter((state) => state.userId > userId)
      .sort((a, b) => (a.userId < b.userId ? -1 : 1))
      .slice(0, limit);

  function truthStore(from: Process): TruthStore {
    const read = <Result>(serve: () => Result | Promise<Result>) => database.run(from, READ_LIMIT_MS, serve);
    return {
      board: (leaderboard) => read(() => board(leaderboard)),
      states: (players) =>
        read(() => [...new Set(players.map(playerKey))].flatMap((key) => scores.get(key) ?? [])),
      known: (leaderboard, userIds) =>
        read(() => userIds.filter((userId) => scores.has(playerKey({ leaderboard, userId })))),
      ranks: (leaderboard, players) =>
        read(() => {
          const all = ordered(leaderboard);
          const ahead = (player: PlayerState) =>
            all.filter((other) => compareStates(other, player) < 0).length;
          const rank = (player: PlayerState) => (isOnBoard(player) ? ahead(player) + 1 : 0);
          return { ranks: players.map(rank), players: all.length };
        }),
      page: (leaderboard, firstRank, limit) =>
        read(() => toEntries(ordered(leaderboard)).slice(firstRank - 1, firstRank - 1 + limit)),
      playerCount: (leaderboard) =>
        read(() => ({ players: rowsOf(leaderboard).length, onBoard: ordered(leaderboard).length })),
      boardAfter: (leaderboard) =>
        read(() => {
          const boards = [...scores.values()].map((state) => state.leaderboard);
          return boards.filter((board) => board > leaderboard).sort()[0];
        }),
      leaderboards: () => read(() => [...new Set([...scores.values()].map((state) => state.leaderboard))]),
      knownBoards: (given: readonly string[]) =>
        read(() =>
          given.filter((board) => [...scores.values()].some((state) => state.leaderboard === board)),
        ),
      scan: (leaderboard, afterUserId, limit) => read(() => after(leaderboard, afterUserId, limit)),
      packed: (leaderboard, afterUserId, limit) =>
        read(async () => {
          const page = after(leaderboard, afterUserId, limit);
          const last = page.at(-1);
          await database.readAll();
          return last === undefined
            ? []
            : [{ players: page.length, lastUserId: last.userId, packed: pack(page) }];
        }),
    };
  }

  const truthPages = (from: Process): TruthPages => ({
    page: (leaderboard, start, limit) =>
      database.run(from, READ_LIMIT_MS, () => pageOf(ordered(leaderboard), start, limit)),
  });

  return {
    truthStore,
    truthPages,
    epochStore: (from: Process) => epochStoreOf(database, time, from),
    board,
    ordered,
  };
}
