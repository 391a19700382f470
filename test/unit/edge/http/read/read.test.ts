import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRead, type Read } from '../../../../../edge/http/read/read.ts';
import { EntrySchema, type GetPlacesRequest } from '../../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { Deadline } from '../../../../../services/shared/flow/deadline.ts';

const entry = (userId: string, rank: number) =>
  create(EntrySchema, { userId, username: userId, score: BigInt(100 - rank), rank: BigInt(rank) });
const TOP = Array.from({ length: 10 }, (_, at) => entry(`player${at}`, at + 1));
const question = (userId: string) => ({ leaderboard: 'global', userId, radius: 0 });

/** One call at the rank service, to be answered by hand. */
interface Call {
  readonly queries: NonNullable<GetPlacesRequest['queries']>;
  answer(refused?: string): void;
}

let calls: Call[];
let tops: number[];
let read: Read;

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  tops = [];
  const rank = {
    getPlaces: ({ queries }: GetPlacesRequest) =>
      new Promise((resolve) => {
        const answer = (refused?: string) =>
          resolve({
            outcomes: queries.map(({ userId }) => ({
              result:
                userId === refused
                  ? {
                      case: 'refused',
                      value: { code: 5, reason: 'PLAYER_NOT_FOUND', message: '', retryAfterMs: 0 },
                    }
                  : {
                      case: 'place',
                      value: { entry: entry(userId, 1), version: 1n, players: 1n, entries: [], stale: false },
                    },
            })),
          });
        calls.push({ queries, answer });
      }),
    async getTop({ limit }: { limit: number }) {
      tops.push(limit);
      return { entries: TOP, position: { leaderboard: 'global', epoch: 1n, seq: 9n }, stale: false };
    },
  };
  const cached = {
    entries: TOP,
    position: { leaderboard: 'global', epoch: 1n, seq: 7n },
    bytes: Buffer.of(),
    stale: true,
  };
  read = createRead({ rank, topCache: { get: () => cached } } as unknown as Parameters<typeof createRead>[0]);
});

afterEach(async () => {
  for (const { answer } of calls) answer();
  await read.close();
  vi.useRealTimers();
});

test('concurrent reads of places travel in one call, each with its own outcome', async () => {
  const asked = Promise.allSettled(['ada', 'bob', 'cy'].map((userId) => read.place(question(userId))));
  await settle();
  expect(calls.map(({ queries }) => queries.map(({ userId }) => userId))).toEqual([['ada', 'bob', 'cy']]);
  calls[0]?.answer('bob');
  expect(await asked).toMatchObject([
    { status: 'fulfilled', value: { entry: { userId: 'ada' } } },
    { status: 'rejected', reason: { reason: 'PLAYER_NOT_FOUND' } },
    { status: 'fulfilled', value: { entry: { userId: 'cy' } } },
  ]);
});

test('a call has at most 100 places, at most 16 calls are under way, and at most 2,000 places wait', async () => {
  const asking = Array.from({ length: 1_600 }, (_, at) => read.place(question(`p${at}`)));
  await settle();
  asking.push(...Array.from({ length: 2_000 }, (_, at) => read.place(question(`q${at}`))));
  await expect(read.place(question('late'))).rejects.toMatchObject({
    reason: 'OVERLOADED',
    retryAfterMs: 1_000,
  });
  expect(calls.map(({ queries }) => queries.length)).toEqual(Array(16).fill(100));
  for (let at = 0; at < calls.length; at += 1) {
    calls[at]?.answer();
    await settle();
  }
  expect(await Promise.all(asking)).toHaveLength(3_600);
});

test('a second call leaves when 16 places wait, or when the first call ends', async () => {
  const asking = [read.place(question('ada'))];
  await settle();
  asking.push(...Array.from({ length: 15 }, (_, at) => read.place(question(`p${at}`))));
  await settle();
  expect(calls).toHaveLength(1);
  asking.push(read.place(question('p15')));
  await settle();
  expect(calls.map(({ queries }) => queries.length)).toEqual([1, 16]);
  asking.push(read.place(question('bob')));
  calls[0]?.answer();
  calls[1]?.answer();
  await settle();
  calls[2]?.answer();
  expect(await Promise.all(asking)).toHaveLength(18);
});

test('a read whose deadline passed before a call left is not sent', async () => {
  const first = read.place(question('ada'));
  await settle();
  const late = expect(read.place(question('late'), { deadline: Deadline.after(50) })).rejects.toMatchObject({
    reason: 'DEADLINE_EXCEEDED',
  });
  await vi.advanceTimersByTimeAsync(51);
  await late;
  calls[0]?.answer();
  await first;
  await settle();
  expect(calls).toHaveLength(1);
});

test('a client with an earlier deadline is answered in time', async () => {
  const impatient = expect(
    read.place(question('ada'), { deadline: Deadline.after(50) }),
  ).rejects.toMatchObject({
    reason: 'DEADLINE_EXCEEDED',
  });
  await vi.advanceTimersByTimeAsync(50);
  await impatient;
});

test('one player or address may hold as many places as are free, and no more', async () => {
  const holders = ['192.0.2.1'];
  const asking = Array.from({ length: 1_800 }, (_, at) => read.place(question(`p${at}`), { holders }));
  await settle();
  await expect(read.place(question('one more'), { holders })).rejects.toMatchObject({ reason: 'OVERLOADED' });
  asking.push(...Array.from({ length: 900 }, () => read.place(question('greedy'))));
  await settle();
  await expect(read.place(question('greedy'))).rejects.toMatchObject({ reason: 'OVERLOADED' });
  asking.push(read.place(question('newcomer'), { holders: ['192.0.2.2'] }));
  for (let at = 0; at < calls.length; at += 1) {
    calls[at]?.answer();
    await settle();
  }
  expect(await Promise.all(asking)).toHaveLength(2_701);
});

test('a short top is the cached one, with its position and staleness', async () => {
  const position = { epoch: 1n, seq: 7n };
  expect(await read.top('global', 0, 'r1')).toMatchObject({ entries: TOP, position, stale: true });
  expect(await read.top('global', 3, 'r1')).toMatchObject({
    entries: TOP.slice(0, 3),
    position,
    stale: true,
  });
  expect(tops).toEqual([]);
});

test('a longer top is read from rank', async () => {
  expect(await read.top('global', 11, 'r1')).toMatchObject({ position: { seq: 9n }, stale: false });
  expect(tops).toEqual([11]);
});

test('one address may read as many long tops as are left for others, and no more', async () => {
  const holders = ['192.0.2.1'];
  const asking = Array.from({ length: 250 }, () => read.top('global', 11, 'r1', { holders }));
  await expect(read.top('global', 11, 'r1', { holders })).rejects.toMatchObject({ reason: 'OVERLOADED' });
  asking.push(read.top('global', 11, 'r1', { holders: ['192.0.2.2'] }));
  expect(await Promise.all(asking)).toHaveLength(251);
  expect(await read.top('global', 11, 'r1', { holders })).toMatchObject({ stale: false });
});

test('the REST answer of a place names the player, the board and the neighbours', async () => {
  const asking = read.placeJson('global', 'ada');
  await settle();
  expect(calls[0]?.queries).toMatchObject([
    { leaderboard: 'global', userId: 'ada', radius: 5, minVersion: 0n },
  ]);
  calls[0]?.answer();
  const { json, stale } = await asking;
  expect(stale).toBe(false);
  expect(JSON.parse(json)).toEqual({
    ...{ userId: 'ada', username: 'ada', score: 99, rank: 1 },
    ...{ version: 1, players: 1, leaderboard: 'global', neighbours: [] },
  });
});
