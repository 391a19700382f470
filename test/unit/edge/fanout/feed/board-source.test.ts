import { create } from '@bufbuild/protobuf';
import { beforeEach, expect, test } from 'vitest';
import { createBoardSource } from '../../../../../edge/fanout/feed/board-source.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { type GetTopResponse, GetTopResponseSchema } from '../../../../../gen/scoreboard/rank/v1/rank_pb.ts';

const ENTRIES = [{ userId: 'ann', username: 'Ann', score: 10n }];
let reads: number;
let answer: (top: GetTopResponse) => void;
let source: ReturnType<typeof createBoardSource>;

beforeEach(() => {
  reads = 0;
  const getTop = () => {
    reads += 1;
    return new Promise<GetTopResponse>((resolve) => {
      answer = resolve;
    });
  };
  const rankStream = { getTop: async () => create(GetTopResponseSchema, { stale: true }) };
  source = createBoardSource({ rank: { getTop }, rankStream, oftenRead: 'global' });
});

function read(position: { epoch: bigint; seq: bigint } | undefined, entries = ENTRIES, stale = false) {
  const reading = source.read(new Channel('weekly'));
  const message = position && { leaderboard: 'weekly', ...position };
  answer(create(GetTopResponseSchema, { entries, stale, ...(message && { position: message }) }));
  return reading;
}

test('a board has its position, its entries with ranks, and no cause', async () => {
  expect(await read({ epoch: 4n, seq: 2n }, ENTRIES, true)).toEqual({
    board: {
      ...{ leaderboard: 'weekly', epoch: 4, seq: 2, cause: undefined },
      entries: [{ userId: 'ann', username: 'Ann', score: 10, rank: 1 }],
    },
    stale: true,
    confirmedMs: undefined,
  });
});

test('entries at seq 0 have no position, since later boards may be older', async () => {
  expect(await read({ epoch: 4n, seq: 0n }, ENTRIES, true)).toMatchObject({ board: undefined, stale: true });
});

test('an empty board at seq 0 has one: nothing has changed in this epoch yet', async () => {
  expect((await read({ epoch: 4n, seq: 0n }, [])).board).toMatchObject({ epoch: 4, seq: 0, entries: [] });
});

test('an answer without a position, or with epoch 0, has none', async () => {
  expect((await read(undefined)).board).toBeUndefined();
  expect((await read({ epoch: 0n, seq: 0n }, [])).board).toBeUndefined();
});

test('calls for the same board share one read until it is answered', async () => {
  const first = source.read(new Channel('weekly'));
  const second = read({ epoch: 1n, seq: 1n });
  expect(await first).toBe(await second);
  expect(reads).toBe(1);
  await read({ epoch: 1n, seq: 2n });
  expect(reads).toBe(2);
});

test('only the board that is often read is read over the stream', async () => {
  expect(await source.read(new Channel('global'))).toMatchObject({ board: undefined, stale: true });
  expect(reads).toBe(0);
});

test('an answer says how long ago its index was confirmed, or not', async () => {
  const reading = source.read(new Channel('weekly'));
  answer(create(GetTopResponseSchema, { confirmedMs: 420 }));
  expect(await reading).toMatchObject({ confirmedMs: 420 });
});
