import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createRateLimiter,
  type Limit,
  type RateLimiter,
} from '../../../../../edge/http/limits/rate-limiter.ts';
import type { Rate } from '../../../../../services/shared/rate/gcra.ts';
import type { Log } from '../../../../../services/shared/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../../../../services/shared/telemetry/metrics.ts';
import { type ScriptCall, ScriptedRedis } from '../../../../support/scripted-redis.ts';

const RATES: Record<Limit, Rate> = {
  user: { perSecond: 10, burst: 64 },
  address: { perSecond: 4, burst: 32 },
};
/** A node tells of a sixteenth of a burst at once. */
const USER_SHARE = 4;

let redis: ScriptedRedis;
let metrics: Metrics;
let limiter: RateLimiter;
let nowMs: number;
const warn = vi.fn();

beforeEach(() => {
  warn.mockClear();
  redis = new ScriptedRedis();
  allowAll();
  nowMs = 5_000;
  start(RATES);
});

function start(rates: Record<Limit, Rate>): void {
  metrics = createMetrics('test', { runtime: false });
  const log = { warn } as unknown as Log;
  limiter = createRateLimiter({ rates, redis: redis.client, metrics, log, monotonicMs: () => nowMs });
}

/** What a call of the script says: key, place of its rate, and requests, for each check. */
function checksOf({ keys, args }: ScriptCall): (readonly [string, number, number])[] {
  const pairs = args.slice(5);
  return keys.map((key, index) => [key, Number(pairs[2 * index]), Number(pairs[2 * index + 1])]);
}
const told = () => redis.calls.flatMap(checksOf);
function allowAll(): void {
  redis.answer = ({ keys }) => keys.map(() => 0);
}
const refuseAll = (waitMs: number) => {
  redis.answer = ({ keys }: ScriptCall) => keys.map(() => waitMs);
};
const fail = () => {
  redis.answer = () => Promise.reject(new Error('Command timed out'));
};
const limited = (retryAfterMs: number) => ({ reason: 'RATE_LIMITED', retryAfterMs });
const spend = (times: number, id = 'ann', limit: Limit = 'user') =>
  Promise.all(Array.from({ length: times }, () => limiter.spendEverywhere(limit, id)));
/** Lets a telling that is under way reach the script. */
const untilTold = (calls: number) => vi.waitFor(() => expect(redis.calls.length).toBe(calls));
async function count(decision: string, by: string): Promise<number> {
  const line = (await metrics.text())
    .split('\n')
    .find((text) => text.includes(`decision="${decision}"`) && text.includes(`by="${by}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}
const kept = (times: number, id = 'ann') => {
  for (let index = 0; index < times; index += 1) expect(limiter.spendEverywhere('user', id)).toBeUndefined();
};

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

  test('gives all networks of an IPv6 site what four addresses have', () => {
    const ask = (network: number) => () => limiter.spendHere('address', `2001:db8:0:${network.toString(16)}`);
    for (let index = 0; index < 128; index += 1) ask(index)();
    expect(ask(128)).toThrow(expect.objectContaining({ reason: 'RATE_LIMITED' }));
    limiter.spendHere('address', '2001:db8:1:0');
  });

  test('goes by a clock that never jumps', () => {
    const { client } = redis;
    limiter = createRateLimiter({
      rates: RATES,
      redis: client,
      metrics: createMetrics('x'),
      log: { warn } as never,
    });
    for (let index = 0; index < 64; index += 1) limiter.spendHere('user', 'ann');
    expect(() => limiter.spendHere('user', 'ann')).toThrow(
      expect.objectContaining({ reason: 'RATE_LIMITED' }),
    );
  });

  test('gives back what time gives back', () => {
    for (let index = 0; index < 64; index += 1) limiter.spendHere('user', 'ann');
    nowMs += 100;
    limiter.spendHere('user', 'ann');
    expect(() => limiter.spendHere('user', 'ann')).toThrow(expect.objectContaining(limited(100)));
  });
});

describe('what all nodes share', () => {
  test('is told of by the share: the requests that were kept, and the one that completes it', async () => {
    kept(USER_SHARE - 1);
    expect(redis.calls).toEqual([]);
    await limiter.spendEverywhere('user', 'ann');
    expect(told()).toEqual([['sb:rate:user:ann', 1, USER_SHARE]]);
    kept(USER_SHARE - 1);
    await limiter.spendEverywhere('user', 'ann');
    expect(told()).toEqual(Array(2).fill(['sb:rate:user:ann', 1, USER_SHARE]));
    expect(await count('allowed', 'redis')).toBe(2);
  });

  test('names the script its rates: milliseconds between requests, and how many at once', async () => {
    await spend(USER_SHARE);
    expect(redis.calls[0]?.name).toBe('rate-limit');
    expect(redis.calls[0]?.args.slice(0, 5)).toEqual([2, 100, 64, 250, 32]);
  });

  test('is kept for each player and address on their own', async () => {
    kept(USER_SHARE - 1);
    kept(USER_SHARE - 1, 'ben');
    expect(limiter.spendEverywhere('address', 'ann')).toBeUndefined();
    await limiter.spendEverywhere('address', 'ann');
    expect(told()).toEqual([['sb:rate:address:ann', 2, 2]]);
    await limiter.spendEverywhere('user', 'ben');
    expect(told().at(-1)).toEqual(['sb:rate:user:ben', 1, USER_SHARE]);
  });

  test('is asked for every request where a burst is small', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 16 } });
    await limiter.spendEverywhere('user', 'ann');
    await limiter.spendEverywhere('user', 'ann');
    expect(told()).toEqual(Array(2).fill(['sb:rate:user:ann', 1, 1]));
  });

  test('refuses with the time that Redis says', async () => {
    refuseAll(700);
    kept(USER_SHARE - 1);
    await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject(limited(700));
    expect(await count('refused', 'redis')).toBe(1);
    expect(await count('allowed', 'redis')).toBe(0);
    expect(await count('allowed', 'node')).toBe(0);
  });

  test('does not forget what was let through before a refusal', async () => {
    kept(USER_SHARE - 1);
    refuseAll(700);
    await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject(limited(700));
    allowAll();
    // Three were let through and still count; with this one the share is full again.
    await limiter.spendEverywhere('user', 'ann');
    expect(told().at(-1)).toEqual(['sb:rate:user:ann', 1, USER_SHARE]);
    kept(USER_SHARE - 1);
  });

  test('is asked for each request by itself while a telling is under way, and by the share afterwards', async () => {
    let answer = (_: number) => {};
    redis.answer = () => new Promise((resolve) => (answer = (waitMs) => resolve([waitMs])));
    kept(USER_SHARE - 1);
    const first = limiter.spendEverywhere('user', 'ann');
    await untilTold(1);
    const answerFirst = answer;
    redis.answer = () => [300];
    await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject(limited(300));
    expect(told().at(-1)).toEqual(['sb:rate:user:ann', 1, 1]);
    allowAll();
    await limiter.spendEverywhere('user', 'ann');
    answerFirst(0);
    await first;
    // The refused one counts nothing and left nothing behind, so a whole share may be kept again.
    kept(USER_SHARE - 1);
    await limiter.spendEverywhere('user', 'ann');
    expect(told().at(-1)).toEqual(['sb:rate:user:ann', 1, USER_SHARE]);
  });

  test('does not forget what was let through when a later request is refused after the first', async () => {
    const answers: ((waits: number[]) => void)[] = [];
    redis.answer = () => new Promise((resolve) => answers.push(resolve));
    kept(USER_SHARE - 1);
    const first = limiter.spendEverywhere('user', 'ann');
    await untilTold(1);
    const second = limiter.spendEverywhere('user', 'ann');
    await untilTold(2);
    for (const [answer, asked] of [
      [answers[0], first],
      [answers[1], second],
    ] as const) {
      answer?.([700]);
      await expect(asked).rejects.toMatchObject(limited(700));
    }
    allowAll();
    await limiter.spendEverywhere('user', 'ann');
    expect(told().at(-1)).toEqual(['sb:rate:user:ann', 1, USER_SHARE]);
  });

  test('remembers nothing of those with whom it is even', async () => {
    start({ user: { perSecond: 1, burst: 48 }, address: { perSecond: 1, burst: 1 } });
    kept(2);
    for (let from = 0; from < 100_000; from += 2_000) {
      await Promise.all(
        Array.from({ length: 2_000 }, (_, index) => limiter.spendEverywhere('address', `a${from + index}`)),
      );
    }
    await limiter.spendEverywhere('user', 'ann');
    expect(told().at(-1)).toEqual(['sb:rate:user:ann', 1, 3]);
  });

  test('leaves together when much comes at once', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 1 } });
    const ids = Array.from({ length: 600 }, (_, index) => `player-${index}`);
    await Promise.all(ids.map((id) => limiter.spendEverywhere('user', id)));
    expect(told()).toHaveLength(600);
    const sizes = redis.calls.map(({ keys }) => keys.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
    expect(redis.calls.length).toBeLessThan(10);
    expect(await count('allowed', 'redis')).toBe(600);
  });

  test('forgets the untold requests of whoever was here longest ago when there are too many', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 48 } });
    kept(1, 'oldest');
    kept(1, 'next');
    // Used again, so no longer the oldest.
    kept(1, 'oldest');
    for (let index = 0; index < 99_999; index += 1) void limiter.spendEverywhere('user', `p${index}`);
    await limiter.spendEverywhere('user', 'oldest');
    expect(told()).toEqual([['sb:rate:user:oldest', 1, 3]]);
    // The one that was forgotten starts afresh: a third would complete its share.
    kept(2, 'next');
  });
});

describe('while Redis', () => {
  test('is not connected, a node limits alone and asks nobody', async () => {
    redis.status = 'reconnecting';
    await spend(USER_SHARE);
    expect(redis.calls).toEqual([]);
    expect(await count('allowed', 'node')).toBe(1);
    expect(warn).not.toHaveBeenCalled();
    redis.status = 'ready';
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(1);
  });

  test('does not answer, a node limits alone for a second, says so once, and asks again', async () => {
    fail();
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(1);
    expect(await count('allowed', 'node')).toBe(1);
    expect(warn).toHaveBeenCalledWith(
      { err: expect.objectContaining({ message: 'Command timed out' }) },
      'rate limits are per node for now',
    );
    nowMs += 999;
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(1);
    nowMs += 1;
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(2);
    expect(limiter.trouble()).toBe('it does not answer');
    nowMs += 1_000;
    allowAll();
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(3);
    expect(limiter.trouble()).toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(1);
    expect([await count('allowed', 'node'), await count('allowed', 'redis')]).toEqual([3, 1]);
  });

  test('answers and lacks the script, that is found out without a request, and so is its end', async () => {
    redis.answer = () => Promise.reject(new Error('NOSCRIPT No matching script.'));
    redis.eval = () =>
      Promise.reject(new Error("NOPERM this user has no permissions to run the 'eval' command"));
    await limiter.probe();
    expect(limiter.trouble()).toContain('lacks our scripts');
    allowAll();
    await limiter.probe();
    expect(limiter.trouble()).toContain('lacks our scripts');
    nowMs += 1_000;
    await limiter.probe();
    expect(limiter.trouble()).toBeUndefined();
    expect(told()).toEqual(Array(2).fill(['sb:rate:address:probe', 2, 1]));
    await limiter.probe();
    expect(redis.calls).toHaveLength(2);
    expect(await count('allowed', 'redis')).toBe(0);
  });

  test('fails several calls at once, the log hears of one', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 1 } });
    const failing: (() => void)[] = [];
    redis.answer = () => new Promise((_, reject) => failing.push(() => reject(new Error('gone'))));
    const first = limiter.spendEverywhere('user', 'ann');
    await untilTold(1);
    const second = limiter.spendEverywhere('user', 'ben');
    await untilTold(2);
    for (const failNow of failing) failNow();
    await Promise.all([first, second]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(await count('allowed', 'node')).toBe(2);
  });
});

test('once closed, what has to be told of is refused, and what was under way has ended', async () => {
  kept(USER_SHARE - 1);
  const underWay = limiter.spendEverywhere('user', 'ann');
  await limiter.close();
  await underWay;
  kept(USER_SHARE - 1);
  await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject({ reason: 'SHUTTING_DOWN' });
});

test('a client whose checks fill the queue to Redis has nobody refused: the node then limits alone', async () => {
  start({ user: { perSecond: 10, burst: 16 }, address: { perSecond: 4, burst: 16 } });
  const flood = Array.from({ length: 6_000 }, (_, index) => limiter.spendEverywhere('user', `p${index}`));
  await expect(limiter.spendEverywhere('user', 'ann')).resolves.toBeUndefined();
  await Promise.all(flood);
  expect(told().length).toBeLessThan(6_000);
});
