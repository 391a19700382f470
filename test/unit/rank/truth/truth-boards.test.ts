import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTruthBoards, type TruthBoards } from '../../../../services/rank/truth/truth-boards.ts';
import type { BoardReading } from '../../../../services/shared/values/board.ts';

let readings: number;
/** What one reading takes. */
let takesMs: number;
let boards: TruthBoards;

const slowly = async <Reading>(reading: Reading): Promise<Reading> => {
  readings += 1;
  await new Promise((resolve) => setTimeout(resolve, takesMs));
  return reading;
};
const answered = async <Reading>(asking: Promise<Reading>): Promise<Reading> => {
  await vi.advanceTimersByTimeAsync(takesMs);
  return asking;
};

beforeEach(() => {
  vi.useFakeTimers();
  readings = 0;
  takesMs = 10;
  boards = createTruthBoards({
    board: () => slowly<BoardReading>({ position: { epoch: 1n, seq: BigInt(readings + 1) }, entries: [] }),
    page: (_board, firstRank, limit) =>
      slowly([{ userId: 'ada', username: 'ada', score: BigInt(limit), rank: firstRank }]),
  });
});

afterEach(() => void vi.useRealTimers());

it('serves all readers within a short time from one query', async () => {
  await answered(Promise.all([boards.recent('global'), boards.recent('global'), boards.recent('global')]));
  await vi.advanceTimersByTimeAsync(199);
  await boards.recent('global');
  expect(readings).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  await answered(boards.recent('global'));
  expect(readings).toBe(2);
});

it('leaves Postgres alone for three times as long as a slow reading took', async () => {
  takesMs = 500;
  await answered(boards.recent('global'));
  await vi.advanceTimersByTimeAsync(1_499);
  await boards.recent('global');
  expect(readings).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  await answered(boards.recent('global'));
  expect(readings).toBe(2);
});

it('a fresh board comes from a query that began after the call', async () => {
  await answered(boards.fresh('global'));
  expect((await answered(boards.fresh('global'))).position?.seq).toBe(2n);
});

it('reads the entries below the top once for all readers, down to the last allowed', async () => {
  const [one, other] = await answered(Promise.all([boards.belowTop('global'), boards.belowTop('global')]));
  expect(one).toEqual([{ userId: 'ada', username: 'ada', score: 90n, rank: 11 }]);
  expect(other).toBe(one);
  expect(readings).toBe(1);
});
