import { describe, expect, it } from 'vitest';
import { createReadBoards, type ReadBoardsOptions } from '../../../../services/rank/read/read-boards.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { BoardReading, Entry } from '../../../../services/shared/values/board.ts';

const entry = (userId: string, score: bigint, rank: number): Entry => ({
  userId,
  username: userId,
  score,
  rank,
});

/** Boards from Postgres: what was read at a position, and what a later reading would find. */
function readerOf(read: BoardReading, later: readonly Entry[]) {
  let readings = 0;
  const options = {
    known: { redisEpoch: undefined },
    truthBoards: {
      recent: async () => read,
      async belowTop() {
        readings += 1;
        return later.slice(10);
      },
    },
    log: createSilentLog(),
  };
  // Nothing else is asked for a top.
  return { reader: createReadBoards(options as unknown as ReadBoardsOptions), readings: () => readings };
}

const players = (count: number): Entry[] =>
  Array.from({ length: count }, (_, at) => entry(`player${at}`, BigInt(50 - at), at + 1));

it('shows a short board under its own position, not what a later reading finds', async () => {
  const read = { position: { epoch: 1n, seq: 4n }, entries: [entry('ada', 5n, 1)] };
  const { reader, readings } = readerOf(read, [entry('bob', 9n, 1), entry('ada', 5n, 2)]);
  expect(await reader.top('global', 20)).toEqual({ board: read, stale: false });
  expect(readings()).toBe(0);
});

it('reads what lies below the top of a position only when it is asked for, and never changes that top', async () => {
  const all = players(20);
  const { reader, readings } = readerOf({ position: { epoch: 1n, seq: 4n }, entries: all.slice(0, 10) }, all);
  expect((await reader.top('global', 3)).board.entries).toEqual(all.slice(0, 3));
  expect(readings()).toBe(0);
  expect((await reader.top('global', 15)).board.entries).toEqual(all.slice(0, 15));
});

it('shows no player twice who left the top before the rest was read', async () => {
  const all = players(12);
  const later = [...all.slice(0, 9), entry('new', 41n, 10), entry('player9', 40n, 11)];
  const { reader } = readerOf({ position: { epoch: 1n, seq: 4n }, entries: all.slice(0, 10) }, later);
  expect((await reader.top('global', 15)).board.entries).toEqual(all.slice(0, 10));
});

it('calls a board stale that has no place in the order of boards', async () => {
  const { reader } = readerOf({ position: undefined, entries: [entry('ada', 5n, 1)] }, []);
  expect(await reader.top('global', 10)).toMatchObject({ board: { position: undefined }, stale: true });
});

describe('neighbours from Postgres', () => {
  const state = {
    leaderboard: 'global',
    userId: 'ada',
    username: 'Ada',
    points: 5n,
    version: 1n,
    reached: 1n,
  };
  const aroundAmong = (count: number) => {
    const pages: [number, number][] = [];
    const options = {
      known: { redisEpoch: undefined, vouches: () => true },
      truth: {
        states: async () => [state],
        async page(_board: string, firstRank: number, limit: number) {
          pages.push([firstRank, limit]);
          return [];
        },
      },
      truthRanks: { of: async () => [{ rank: 7, players: count }] },
    };
    const reader = createReadBoards(options as unknown as ReadBoardsOptions);
    return { pages, around: reader.place('global', 'ada', 2, 0n) };
  };

  it('are found by sorting a board that is not large', async () => {
    const { pages, around } = aroundAmong(10_000);
    await around;
    expect(pages).toEqual([[5, 5]]);
  });

  it('are left out on a large board, whose sorting would delay other readers', async () => {
    const { pages, around } = aroundAmong(10_001);
    const self = { userId: 'ada', username: 'Ada', score: 5n, rank: 7 };
    expect(await around).toMatchObject({ players: 10_001, entries: [self], entry: self });
    expect(pages).toEqual([]);
  });

  it('are left out while two boards are sorted already, whoever asked for those', async () => {
    const sorting = Promise.withResolvers<[]>();
    const options = {
      known: { redisEpoch: undefined, vouches: () => true },
      truth: { states: async () => [state], page: () => sorting.promise },
      truthRanks: { of: async () => [{ rank: 7, players: 10_000 }] },
    };
    const reader = createReadBoards(options as unknown as ReadBoardsOptions);
    const sorted = [1, 2].map(() => reader.place('global', 'ada', 2, 0n));
    const { entries } = await reader.place('global', 'ada', 2, 0n);
    expect(entries.map(({ userId }) => userId)).toEqual(['ada']);
    sorting.resolve([]);
    await Promise.all(sorted);
    expect((await reader.place('global', 'ada', 2, 0n)).entries).toEqual([]);
  });
});
