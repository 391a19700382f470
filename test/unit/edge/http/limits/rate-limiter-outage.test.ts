import { describe, expect, test } from 'vitest';
import {
  allowAll,
  count,
  fail,
  kept,
  limiter,
  pass,
  RATES,
  redis,
  reported,
  spend,
  start,
  USER_SHARE,
  untilReported,
  useLimiter,
  warn,
} from './rate-limiter-fixture.ts';

useLimiter();

describe('while Redis', () => {
  test('is not connected, a node limits alone and makes no call', async () => {
    redis.status = 'reconnecting';
    await spend(USER_SHARE);
    expect(redis.calls).toEqual([]);
    expect(await count('allowed', 'node')).toBe(1);
    expect(warn).not.toHaveBeenCalled();
    redis.status = 'ready';
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(1);
  });

  test('does not answer, a node limits alone for a second, logs it once, and tries again', async () => {
    fail();
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(1);
    expect(await count('allowed', 'node')).toBe(1);
    expect(warn).toHaveBeenCalledWith(
      { err: expect.objectContaining({ message: 'Command timed out' }) },
      'rate limits are per node for now',
    );
    pass(999);
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(1);
    pass(1);
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(2);
    expect(limiter.trouble()).toBe('it does not answer');
    pass(1_000);
    allowAll();
    await spend(USER_SHARE);
    expect(redis.calls).toHaveLength(3);
    expect(limiter.trouble()).toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(1);
    expect([await count('allowed', 'node'), await count('allowed', 'redis')]).toEqual([3, 1]);
  });

  test('lacks the script, a probe finds out without any request, and also finds out when that ends', async () => {
    redis.answer = () => Promise.reject(new Error('NOSCRIPT No matching script.'));
    redis.eval = () =>
      Promise.reject(new Error("NOPERM this user has no permissions to run the 'eval' command"));
    await limiter.probe();
    expect(limiter.trouble()).toContain('lacks our scripts');
    allowAll();
    await limiter.probe();
    expect(limiter.trouble()).toContain('lacks our scripts');
    pass(1_000);
    await limiter.probe();
    expect(limiter.trouble()).toBeUndefined();
    expect(reported()).toEqual(Array(2).fill(['sb:rate:address:probe', 2, 1]));
    await limiter.probe();
    expect(redis.calls).toHaveLength(2);
    expect(await count('allowed', 'redis')).toBe(0);
  });

  test('fails several calls at once, one of them is logged', async () => {
    start({ ...RATES, user: { perSecond: 1, burst: 1 } });
    const failing: (() => void)[] = [];
    redis.answer = () => new Promise((_, reject) => failing.push(() => reject(new Error('gone'))));
    const first = limiter.spendEverywhere('user', 'ann');
    await untilReported(1);
    const second = limiter.spendEverywhere('user', 'ben');
    await untilReported(2);
    for (const failNow of failing) failNow();
    await Promise.all([first, second]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(await count('allowed', 'node')).toBe(2);
  });
});

test('close waits for reports under way; later reports are refused', async () => {
  kept(USER_SHARE - 1);
  const underWay = limiter.spendEverywhere('user', 'ann');
  await limiter.close();
  await underWay;
  kept(USER_SHARE - 1);
  await expect(limiter.spendEverywhere('user', 'ann')).rejects.toMatchObject({ reason: 'SHUTTING_DOWN' });
});

test('a full queue to Redis refuses no request: the node then limits alone', async () => {
  start({ user: { perSecond: 10, burst: 16 }, address: { perSecond: 4, burst: 16 } });
  const flood = Array.from({ length: 6_000 }, (_, index) => limiter.spendEverywhere('user', `p${index}`));
  await expect(limiter.spendEverywhere('user', 'ann')).resolves.toBeUndefined();
  await Promise.all(flood);
  expect(reported().length).toBeLessThan(6_000);
});
