import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, test } from 'vitest';
import { createTopCache, type TopCache } from '../../../../../edge/http/read/top-cache.ts';
import { GetTopResponseSchema } from '../../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';

/** A rank service whose every reading ends when the test says so. */
function createRank() {
  const asked: string[] = [];
  const waiting: PromiseWithResolvers<MessageInitShape<typeof GetTopResponseSchema>>[] = [];
  return {
    asked,
    waiting,
    async getTop({ leaderboard = '' }: { leaderboard?: string }) {
      asked.push(leaderboard);
      const reading = Promise.withResolvers<MessageInitShape<typeof GetTopResponseSchema>>();
      waiting.push(reading);
      return create(GetTopResponseSchema, await reading.promise);
    },
    answer(seq: bigint, { epoch = 1n, stale = false } = {}) {
      const entries = [{ username: `at-${seq}`, score: 5n }];
      waiting.shift()?.resolve({ entries, position: { epoch, seq }, stale });
    },
    fail() {
      waiting.shift()?.reject(new AppError('RANK_UNAVAILABLE'));
    },
  };
}

const clock = { now: 0 };
let rank: ReturnType<typeof createRank>;
let cache: TopCache;

beforeEach(() => {
  clock.now = 1_000;
  rank = createRank();
  cache = createTopCache({
    rank,
    metrics: createMetrics('test', { runtime: false }),
    monotonicMs: () => clock.now,
  });
});

/** Lets what is due run, so that a reading has been asked for. */
const settle = () => new Promise((resolve) => setImmediate(resolve));
const nameIn = ({ bytes }: { bytes: Buffer }) => JSON.parse(bytes.toString())[0].username;

async function read(seq: bigint, options?: { epoch?: bigint; stale?: boolean }) {
  const answer = cache.get('global');
  await settle();
  rank.answer(seq, options);
  return answer;
}

describe('the cached top of a board', () => {
  test('is read once for concurrent requests', async () => {
    const answers = [cache.get('global'), cache.get('global'), cache.get('global')];
    await settle();
    expect(rank.asked).toEqual(['global']);
    rank.answer(1n);
    expect((await Promise.all(answers)).map(nameIn)).toEqual(['at-1', 'at-1', 'at-1']);
  });

  test('has exactly the two public fields of each player', async () => {
    const { bytes } = await read(1n);
    expect(bytes.toString()).toBe('[{"username":"at-1","score":5}]');
  });

  test('is served without a reading for 100 ms, as the same bytes', async () => {
    const first = await read(1n);
    clock.now += 49;
    expect(cache.get('global')).toBe(first);
    await settle();
    expect(rank.asked).toHaveLength(1);
    clock.now += 51;
    expect(cache.get('global')).toBeInstanceOf(Promise);
  });

  test('is refreshed in the background while it is in use', async () => {
    const first = await read(1n);
    clock.now += 50;
    expect([cache.get('global'), cache.get('global')]).toEqual([first, first]);
    await settle();
    expect(rank.asked).toHaveLength(2);
    rank.answer(2n);
    await settle();
    clock.now += 49;
    expect(cache.get('global')).toMatchObject({ stale: false });
    expect(nameIn(await cache.get('global'))).toBe('at-2');
    expect(rank.asked).toHaveLength(2);
  });

  test('is read again after a writer was told a newer position', async () => {
    await read(1n);
    cache.observe({ leaderboard: 'global', epoch: 1n, seq: 2n });
    expect(nameIn(await read(2n))).toBe('at-2');
    cache.observe({ leaderboard: 'global', epoch: 2n, seq: 1n });
    expect(cache.get('global')).toBeInstanceOf(Promise);
  });

  test('stays if it includes the position that a writer was told', async () => {
    const kept = await read(7n);
    cache.observe({ leaderboard: 'global', epoch: 1n, seq: 7n });
    cache.observe({ leaderboard: 'global', epoch: 1n, seq: 6n });
    cache.observe({ leaderboard: 'weekly', epoch: 9n, seq: 9n });
    expect(cache.get('global')).toBe(kept);
  });

  test('stays if a writer was told no position', async () => {
    const kept = await read(1n);
    cache.observe({ leaderboard: 'global', epoch: 0n, seq: 9n });
    expect(cache.get('global')).toBe(kept);
  });

  test('never answers a request from a reading that began before it', async () => {
    const early = cache.get('global');
    await settle();
    cache.observe({ leaderboard: 'global', epoch: 1n, seq: 2n });
    const late = cache.get('global');
    rank.answer(1n);
    expect(nameIn(await early)).toBe('at-1');
    await settle();
    rank.answer(2n);
    expect(nameIn(await late)).toBe('at-2');
  });

  test('is cached again after the index was lost and counts from a lower epoch', async () => {
    await read(1n, { epoch: 5n });
    cache.observe({ leaderboard: 'global', epoch: 5n, seq: 2n });
    const kept = await read(1n, { epoch: 4n });
    expect(cache.get('global')).toBe(kept);
  });

  test('is stale if rank says so', async () => {
    expect((await read(1n, { stale: true })).stale).toBe(true);
    clock.now += 100;
    expect((await read(2n)).stale).toBe(false);
  });
});

describe('while rank is away', () => {
  test('the last known top is served as stale, without waiting for each try', async () => {
    await read(1n);
    clock.now += 100;
    const first = cache.get('global');
    await settle();
    rank.fail();
    expect(await first).toMatchObject({ stale: true });

    const second = cache.get('global');
    expect(second).not.toBeInstanceOf(Promise);
    await settle();
    expect(rank.asked).toHaveLength(2);
    clock.now += 250;
    expect(cache.get('global')).toMatchObject({ stale: true });
    await settle();
    expect(rank.asked).toHaveLength(3);
  });

  test('one answer ends the staleness', async () => {
    await read(1n);
    clock.now += 100;
    const failing = cache.get('global');
    await settle();
    rank.fail();
    await failing;
    clock.now += 250;
    expect(cache.get('global')).toMatchObject({ stale: true });
    await settle();
    rank.answer(2n);
    await settle();
    expect(cache.get('global')).toMatchObject({ stale: false });
  });

  test('a board that was never read is refused, without waiting until the next try is due', async () => {
    const early = cache.get('global');
    await settle();
    const late = cache.get('global');
    const refused = Promise.all(
      [early, late].map((answer) => expect(answer).rejects.toMatchObject({ reason: 'RANK_UNAVAILABLE' })),
    );
    rank.fail();
    await refused;
    expect(() => cache.get('global')).toThrow('cannot be reached');
    expect(rank.asked).toHaveLength(1);
    clock.now += 250;
    expect(() => cache.get('global')).toThrow('cannot be reached');
    await settle();
    rank.answer(1n);
    await settle();
    expect(cache.get('global')).toMatchObject({ stale: false });
  });

  test('a request that came while rank hung does not wait for the next try', async () => {
    await read(1n);
    clock.now += 100;
    const early = cache.get('global');
    await settle();
    const late = cache.get('global');
    rank.fail();
    expect(await Promise.all([early, late])).toMatchObject([{ stale: true }, { stale: true }]);
    expect(rank.asked).toHaveLength(2);
  });

  test('the last known top is no longer served after five minutes', async () => {
    await read(1n);
    clock.now += 5 * 60_000 + 1;
    const answer = cache.get('global');
    await settle();
    rank.fail();
    await expect(answer).rejects.toMatchObject({ reason: 'RANK_UNAVAILABLE' });
  });
});

describe('boards with invented names', () => {
  /** Asks for a board and answers it, with a score or without. */
  async function readBoard(leaderboard: string, entries: { username: string; score: bigint }[] = []) {
    const answer = cache.get(leaderboard);
    await settle();
    rank.waiting.shift()?.resolve({ entries, position: { epoch: 1n, seq: 1n } });
    return answer;
  }
  const A_SCORE = [{ username: 'ada', score: 5n }];

  test('displace each other, and no board with a score', async () => {
    const kept = await read(1n);
    for (let index = 0; index < 1_001; index += 1) await readBoard(`made-up-${index}`);
    expect(cache.get('global')).toBe(kept);
    expect(cache.get('made-up-1')).not.toBeInstanceOf(Promise);
    expect(cache.get('made-up-0')).toBeInstanceOf(Promise);
  });

  test('count as boards with a score after their first score; at most a thousand are cached', async () => {
    await read(1n);
    for (let index = 0; index < 1_000; index += 1) await readBoard(`board-${index}`, A_SCORE);
    expect(cache.get('board-0')).not.toBeInstanceOf(Promise);
    expect(cache.get('global')).toBeInstanceOf(Promise);
  });

  test('are read by one address as often as is left for others, and no more', async () => {
    const holders = ['192.0.2.1'];
    const reading = Array.from({ length: 250 }, (_, index) => cache.get(`made-up-${index}`, holders));
    expect(() => cache.get('one-more', holders)).toThrow(expect.objectContaining({ reason: 'OVERLOADED' }));
    // Requests for the same board share a reading.
    reading.push(cache.get('made-up-0', holders), cache.get('of-another', ['192.0.2.2']));
    await settle();
    for (const { resolve } of rank.waiting.splice(0))
      resolve({ entries: [], position: { epoch: 1n, seq: 1n } });
    await settle();
    for (const { resolve } of rank.waiting.splice(0))
      resolve({ entries: [], position: { epoch: 1n, seq: 1n } });
    expect(await Promise.all(reading)).toHaveLength(252);
    expect(cache.get('one-more', holders)).toBeInstanceOf(Promise);
  });
});
