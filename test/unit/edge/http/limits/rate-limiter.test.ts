import { describe, expect, test } from 'vitest';
import { createRateLimiter } from '../../../../../edge/http/limits/rate-limiter.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';
import {
  allowAll,
  count,
  kept,
  limited,
  limiter,
  pass,
  RATES,
  redis,
  refuseAll,
  reported,
  spend,
  start,
  USER_SHARE,
  untilReported,
  useLimiter,
  warn,
} from './rate-limiter-fixture.ts';

useLimiter();

describe("a node's own limit", () => {
  test('lets the burst of each limit through, then refuses with the time to wait', async () => {
    for (let index = 0; index < 64; index += 1) limiter.spendHere('user', 'ann');
    expect(() => limiter.spendHere('user', 'ann')).toThrow(expect.objectContaining(limited(100)));
    for (let index = 0; index < 32; index += 1) limiter.spendHere('address', 'ann');
    expect(() => limiter.spendHere('address', 'ann')).toThrow(expect.objectContaining(limited(250)));
    limiter.spendHere('user', 'ben');
    expect(await count('refused', 'node')).toBe(2);
    expect(redis.calls).toEqual([]);
  });

  test('allows all networks of an IPv6 site together what it allows four addresses', () => {
    const ask = (network: number) => () => limiter.spendHere('address', `2001:db8:0:${network.toString(16)}`);
    for (let index = 0; index < 128; index += 1) ask(index)();
    expect(ask(128)).toThrow(expect.objectContaining({ reason: 'RATE_LIMITED' }));
    limiter.spendHere('address', '2001:db8:1:0');
  });

  test('uses the monotonic clock by default', () => {
    const { client } = redis;
    const own = createRateLimiter({
      rates: RATES,
      redis: client,
      prefix: 'sb:',
      metrics: createMetrics('x'),
      log: { warn } as never,
    });
    for (let index = 0; index < 64; index += 1) own.spendHere('user', 'ann');
    expect(() => own.spendHere('user', 'ann')).toThrow(expect.objectContaining({ reason: 'RATE_LIMITED' }));
  });

  test('allows further requests at the rate as time passes', () => {
    for (let index = 0; index < 64; index += 1) limiter.spendHere('user', 'ann');
    pass(100);
    limiter.spendHere('user', 'ann');
    expect(() => limiter.spendHere('user', 'ann')).toThrow(expect.objectContaining(limited(100)));
  });
});

describe('the limit of all nodes together', () => {
  test('gets a report of a whole share: the unreported requests and the one that completes it', async () => {
    kept(USER_SHARE - 1);
    expect(redis.calls).toEqual([]);
    await limiter.spendEverywhere('user', 'ann');
    expect(reported()).toEqual([['sb:rate:user:ann', 1, USER_SHARE]]);
    kept(USER_SHARE - 1);
    await limiter.spendEverywhere('user', 'ann');
    expect(reported()).toEqual(Array(2).fill(['sb:rate:user:ann', 1, USER_SHARE]));
    expect(await count('allowed', 'redis')).toBe(2);
  });

  test('passes the script its rates: milliseconds between requests, and the burst', async () => {
    await spend(USER_SHARE);
    expect(redis.calls[0]?.name).toBe('rate-limit');
    expect(redis.calls[0]?.args.slice(0, 5)).toEqual([2, 100, 64, 250, 32]);
  });

  test('counts each player and each address separately', async () => {
    kept(USER_SHARE - 1);
    kept(USER_SHARE - 1, 'ben');
    expect(limiter.spendEverywhere('address', 'ann')).toBeUndefined();
    await limiter.spendEverywhere('address', 'ann');
    expect(reported()).toEqual([['sb:rate:address:ann', 2, 2]]);
    await limiter.spendEverywhere('user', 'ben');
    expect(reported().at(-1)).toEqual(['sb:rate:user:ben', 1, USER_SHARE]);
  });

  test('gets a report of every request where the burst is small', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 16 } });
    await limiter.spendEverywhere('user', 'ann');
    await limiter.spendEverywhere('user', 'ann');
    expect(reported()).toEqual(Array(2).fill(['sb:rate:user:ann', 1, 1]));
  });

  test('refuses with the wait that Redis answers', async () => {
    refuseAll(700);
    kept(USER_SHARE - 1);
    await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject(limited(700));
    expect(await count('refused', 'redis')).toBe(1);
    expect(await count('allowed', 'redis')).toBe(0);
    expect(await count('allowed', 'node')).toBe(0);
  });

  test('still gets a report of the requests that passed before a refused one', async () => {
    kept(USER_SHARE - 1);
    refuseAll(700);
    await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject(limited(700));
    allowAll();
    // Three passed and still count; this one completes the share again.
    await limiter.spendEverywhere('user', 'ann');
    expect(reported().at(-1)).toEqual(['sb:rate:user:ann', 1, USER_SHARE]);
    kept(USER_SHARE - 1);
  });

  test('gets single requests while a report is under way, and whole shares afterwards', async () => {
    let answer = (_: number) => {};
    redis.answer = () => new Promise((resolve) => (answer = (waitMs) => resolve([waitMs])));
    kept(USER_SHARE - 1);
    const first = limiter.spendEverywhere('user', 'ann');
    await untilReported(1);
    const answerFirst = answer;
    redis.answer = () => [300];
    await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject(limited(300));
    expect(reported().at(-1)).toEqual(['sb:rate:user:ann', 1, 1]);
    allowAll();
    await limiter.spendEverywhere('user', 'ann');
    answerFirst(0);
    await first;
    // The refused request counts nothing, so a whole share may stay unreported again.
    kept(USER_SHARE - 1);
    await limiter.spendEverywhere('user', 'ann');
    expect(reported().at(-1)).toEqual(['sb:rate:user:ann', 1, USER_SHARE]);
  });

  test('still gets a report of them if a second request is refused after the first', async () => {
    const answers: ((waits: number[]) => void)[] = [];
    redis.answer = () => new Promise((resolve) => answers.push(resolve));
    kept(USER_SHARE - 1);
    const first = limiter.spendEverywhere('user', 'ann');
    await untilReported(1);
    const second = limiter.spendEverywhere('user', 'ann');
    await untilReported(2);
    for (const [answer, asked] of [
      [answers[0], first],
      [answers[1], second],
    ] as const) {
      answer?.([700]);
      await expect(asked).rejects.toMatchObject(limited(700));
    }
    allowAll();
    await limiter.spendEverywhere('user', 'ann');
    expect(reported().at(-1)).toEqual(['sb:rate:user:ann', 1, USER_SHARE]);
  });

  test('keeps no entry for keys without unreported requests', async () => {
    start({ user: { perSecond: 1, burst: 48 }, address: { perSecond: 1, burst: 1 } });
    kept(2);
    for (let from = 0; from < 100_000; from += 2_000) {
      await Promise.all(
        Array.from({ length: 2_000 }, (_, index) => limiter.spendEverywhere('address', `a${from + index}`)),
      );
    }
    await limiter.spendEverywhere('user', 'ann');
    expect(reported().at(-1)).toEqual(['sb:rate:user:ann', 1, 3]);
  });

  test('gets many checks in few calls', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 1 } });
    const ids = Array.from({ length: 600 }, (_, index) => `player-${index}`);
    await Promise.all(ids.map((id) => limiter.spendEverywhere('user', id)));
    expect(reported()).toHaveLength(600);
    const sizes = redis.calls.map(({ keys }) => keys.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
    expect(redis.calls.length).toBeLessThan(10);
    expect(await count('allowed', 'redis')).toBe(600);
  });

  test('loses the unreported requests of the least recently used key when there are too many keys', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 48 } });
    kept(1, 'oldest');
    kept(1, 'next');
    // Used again, so no longer the oldest.
    kept(1, 'oldest');
    for (let index = 0; index < 99_999; index += 1) void limiter.spendEverywhere('user', `p${index}`);
    await limiter.spendEverywhere('user', 'oldest');
    expect(reported()).toEqual([['sb:rate:user:oldest', 1, 3]]);
    // The forgotten key starts anew: a third request would complete its share.
    kept(2, 'next');
  });
});
