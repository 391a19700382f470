import { describe, expect, it } from 'vitest';
import type { BoardEntry } from '../../../../../edge/web/client/frames.ts';
import {
  barShares,
  entryBelow,
  rowsFrom,
  sizeFor,
  tagsOf,
} from '../../../../../edge/web/element/shown-entries.ts';

const entry = (userId: string, username: string, score: number, rank = 1): BoardEntry => ({
  ...{ userId, username, score, rank },
});

describe('the number of rows', () => {
  it.each([
    [null, 10],
    ['1', 1],
    ['5', 5],
    ['10', 10],
    ['0', 10],
    ['11', 11],
    ['100', 100],
    ['101', 10],
    ['2.5', 10],
    ['many', 10],
  ])('of the attribute %j is %i', (attribute, rows) => {
    expect(rowsFrom(attribute)).toBe(rows);
  });

  it.each([
    [1, 10],
    [10, 10],
    [11, 50],
    [50, 50],
    [51, 100],
    [100, 100],
  ])('%i asks for a board of %i', (rows, size) => {
    expect(sizeFor(String(rows))).toBe(size);
  });
});

describe('a tag', () => {
  it('tells players apart whose names look equal, and no others', () => {
    const tags = tagsOf([
      entry('id-aaaa', 'alice', 3),
      entry('id-bbbb', 'Alice', 2),
      entry('id-cccc', 'Bob', 1),
    ]);
    expect([...tags]).toEqual([
      ['id-aaaa', '#aaaa'],
      ['id-bbbb', '#bbbb'],
    ]);
  });

  it('is the whole id if its end is equal, too', () => {
    const tags = tagsOf([entry('a-1234', 'alice', 3), entry('b-1234', 'alice', 2)]);
    expect([...tags.values()]).toEqual(['#a-1234', '#b-1234']);
  });
});

describe('a bar', () => {
  const shares = (...scores: number[]) => {
    return scores.map(barShares(scores.map((score) => entry('x', 'x', score))));
  };

  it('is full for the leader where less is better, and shorter for more', () => {
    expect(shares(99, 199, 399)).toEqual([1, 0.5, 0.25]);
    expect(shares(0, 1)).toEqual([1, 0.5]);
  });

  it('is as long as the share of the leader', () => {
    expect(shares(100, 75, 50, 25)).toEqual([1, 0.75, 0.5, 0.25]);
    expect(shares(100)).toEqual([1]);
    expect(shares(0, 0)).toEqual([0, 0]);
    expect(shares()).toEqual([]);
  });

  it('is not flattened by one outlier', () => {
    expect(shares(Number.MAX_SAFE_INTEGER, 300, 200, 100)).toEqual([1, 0.375, 0.25, 0.125]);
  });
});

describe('the own row below the others', () => {
  const board = Array.from({ length: 10 }, (_, index) =>
    entry(`p${index}`, `P${index}`, 100 - index, index + 1),
  );
  const standing = { userId: 'me', score: 5, rank: 14, version: 1, epoch: 1 };
  const me = { userId: 'me', username: 'Me', standing };

  it('is the standing of a player who is not on the board', () => {
    expect(entryBelow(board, board, me)).toEqual(entry('me', 'Me', 5, 14));
  });

  it('is the entry of the board if fewer rows are shown', () => {
    const own = { userId: 'p7', username: '', standing: undefined };
    expect(entryBelow(board, board.slice(0, 5), own)).toEqual(board[7]);
    expect(entryBelow(board, board, own)).toBeUndefined();
  });

  it('is left out while the rank is unknown, outdated or of another player', () => {
    const below = (changed: Partial<typeof standing> | { rank: null }) =>
      entryBelow(board, board, { ...me, standing: { ...standing, ...changed } });
    expect(below({ rank: null })).toBeUndefined();
    expect(below({ rank: 10 })).toBeUndefined();
    expect(below({ userId: 'other' })).toBeUndefined();
    expect(entryBelow(board, board, { ...me, standing: undefined })).toBeUndefined();
  });
});
