import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLocalLimiter, type Rate, restAfter, waitMs } from '../../../../services/shared/rate/gcra.ts';

function limiterAt(options?: { maxKeys?: number }) {
  const clock = { now: 1_000 };
  return { clock, limiter: createLocalLimiter(() => clock.now, options) };
}

describe('the limit of one node', () => {
  test('lets a burst through at once and then the rate', () => {
    const { clock, limiter } = limiterAt();
    const rate: Rate = { perSecond: 10, burst: 3 };
    const waits = Array.from({ length: 4 }, () => limiter.spend('alice', rate));
    expect(waits).toEqual([0, 0, 0, 100]);
    clock.now += 99;
    expect(limiter.spend('alice', rate)).toBe(1);
    clock.now += 1;
    expect(limiter.spend('alice', rate)).toBe(0);
    expect(limiter.spend('alice', rate)).toBe(100);
  });

  test('counts each key on its own', () => {
    const { limiter } = limiterAt();
    const rate: Rate = { perSecond: 1, burst: 1 };
    expect([limiter.spend('alice', rate), limiter.spend('bob', rate)]).toEqual([0, 0]);
    expect(limiter.spend('alice', rate)).toBe(1_000);
  });

  test('forgets the key that was used longest ago when it remembers too many', () => {
    const { limiter } = limiterAt({ maxKeys: 2 });
    const rate: Rate = { perSecond: 1, burst: 2 };
    for (const key of ['a', 'b', 'a', 'c']) limiter.spend(key, rate);
    expect(limiter.spend('a', rate)).toBeGreaterThan(0);
    // b was forgotten, so it has its whole burst again.
    expect([limiter.spend('b', rate), limiter.spend('b', rate)]).toEqual([0, 0]);
  });

  test('never lets more through than burst plus rate times time, in any window', () => {
    const run = fc.record({
      rate: fc.record({
        perSecond: fc.integer({ min: 1, max: 500 }),
        burst: fc.integer({ min: 1, max: 50 }),
      }),
      pauses: fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 200 }),
    });
    fc.assert(
      fc.property(run, ({ rate, pauses }) => {
        const { clock, limiter } = limiterAt();
        const passed: number[] = [];
        for (const pause of pauses) {
          clock.now += pause;
          if (limiter.spend('alice', rate) === 0) passed.push(clock.now);
        }
        for (let from = 0; from < passed.length; from += 1) {
          for (let to = from; to < passed.length; to += 1) {
            const windowMs = (passed[to] ?? 0) - (passed[from] ?? 0);
            const most = rate.burst + (rate.perSecond * windowMs) / 1000;
            expect(to - from + 1).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }),
    );
  });

  test('allows a request after the wait that it gave', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 100 }),
        (perSecond, burst) => {
          const { clock, limiter } = limiterAt();
          let waitMs = 0;
          while (waitMs === 0) waitMs = limiter.spend('alice', { perSecond, burst });
          clock.now += waitMs;
          expect(limiter.spend('alice', { perSecond, burst })).toBe(0);
        },
      ),
    );
  });
});

describe('one request against the state of its key', () => {
  const rate: Rate = { perSecond: 10, burst: 2 };

  test('moves the time of rest by one interval, from now if the key is at rest', () => {
    expect(restAfter(rate, 0, 5_000)).toBe(5_100);
    expect(restAfter(rate, 5_100, 5_000)).toBe(5_200);
  });

  test('waits as long as the burst is exceeded, and never a negative time', () => {
    expect([5_100, 5_200, 5_201, 5_300].map((restAtMs) => waitMs(rate, restAtMs, 5_000))).toEqual([
      0, 0, 1, 100,
    ]);
  });
});
