import { expect, it } from 'vitest';
import type { Board, Entry } from '../../../services/score/board.ts';
import { createReadBoards, type ReadBoardsOptions } from '../../../services/score/read-boards.ts';
import { createSilentLog } from '../../../services/shared/log.ts';

const entry = (userId: string, score: bigint, rank: number): Entry => ({
  userId,
  username: userId,
  score,
  rank,
});

/** Boards from Postgres: what was read at a position, and what a later reading would find. */
function readerOf(read: Board, later: readonly Entry[]) {
  const pages: [number, number][] = [];
  const options = {
    keeper: { state: { epoch: read.epoch, source: 'postgres', building: undefined }, wake: () => {} },
    truthBoards: { recent: async () => read, fresh: async () => read },
    truth: {
      page: async (_board: string, firstRank: number, limit: number) => {
        pages.push([firstRank, limit]);
        return later.slice(firstRank - 1, firstRank - 1 + limit);
      },
    },
    log: createSilentLog(),
  };
  // Nothing else is asked for a top.
  return { reader: createReadBoards(options as unknown as ReadBoardsOptions), pages };
}

it('shows a short board under its own position, not what a later reading finds', async () => {
  const read = { epoch: 1n, seq: 4n, entries: [entry('ada', 5n, 1)] };
  const { reader, pages } = readerOf(read, [entry('bob', 9n, 1), entry('ada', 5n, 2)]);
  expect(await reader.top('global', 10)).toEqual({ board: read, stale: false });
  expect(pages).toEqual([]);
});

it('reads only what lies beyond the top of a position, and never changes that', async () => {
  const all = Array.from({ length: 20 }, (_, at) => entry(`player${at}`, BigInt(50 - at), at + 1));
  const { reader, pages } = readerOf({ epoch: 1n, seq: 4n, entries: all.slice(0, 10) }, all);
  expect((await reader.top('global', 15)).board.entries).toEqual(all.slice(0, 15));
  expect((await reader.top('global', 3)).board.entries).toEqual(all.slice(0, 3));
  expect(pages).toEqual([[11, 5]]);
});
