import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createLocalLimiter, type Rate } from '../../../../services/shared/rate/gcra.ts';
import { createRateLimit } from '../../../../services/shared/rate/rate-limit.ts';

function openLimit(rate: Rate, { maxKeys = 1_000 } = {}) {
  const clock = { now: 0 };
  const onRefused = vi.fn();
  const limiter = createLocalLimiter(() => clock.now, { maxKeys });
  const limit = createRateLimit({ policy: 'user', rate, limiter, onRefused });
  const passes = (key: string) => {
    try {
      limit.spend(key);
      return true;
    } catch {
      return false;
    }
  };
  return { clock, limit, passes, onRefused };
}

describe('a limit', () => {
  test('lets a burst through, then says how long to wait, and is right', () => {
    const { clock, limit, passes } = openLimit({ perSecond: 1, burst: 3 });
    expect([1, 2, 3, 4].map(() => passes('a'))).toEqual([true, true, true, false]);
    expect(() => limit.spend('a')).toThrow(
      expect.objectContaining({ reason: 'RATE_LIMITED', retryAfterMs: 1_000, policy: 'user' }),
    );
    expect(passes('b')).toBe(true);
    clock.now += 999;
    expect(passes('a')).toBe(false);
    clock.now += 1;
    expect(passes('a')).toBe(true);
  });

  test('reports each refusal', () => {
    const { passes, onRefused } = openLimit({ perSecond: 1, burst: 1 });
    expect(['a', 'a', 'b', 'a'].map(passes)).toEqual([true, false, true, false]);
    expect(onRefused).toHaveBeenCalledTimes(2);
  });

  test('never lets more through than the burst and the rate, however the calls come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2_000 }), { maxLength: 200 }), (waits) => {
        const { clock, passes } = openLimit({ perSecond: 1, burst: 5 });
        let passed = 0;
        for (const waitMs of waits) {
          clock.now += waitMs;
          if (passes('a')) passed += 1;
          expect(passed).toBeLessThanOrEqual(5 + clock.now / 1_000);
        }
      }),
    );
  });

  test('forgets the key that was used longest ago when there are too many', () => {
    const { passes } = openLimit({ perSecond: 1, burst: 1 }, { maxKeys: 2 });
    expect(['a', 'b', 'c'].map(passes)).toEqual([true, true, true]);
    expect(passes('c')).toBe(false);
    expect(passes('a')).toBe(true);
  });
});
