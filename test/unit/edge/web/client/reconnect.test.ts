import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterClose,
  BACKOFF_MAX_MS,
  BACKOFF_MIN_MS,
  backoffMs,
  RETRY_HINT_MAX_MS,
} from '../../../../../edge/web/client/reconnect.ts';

const never = () => 0;
const always = () => 1;

describe('the backoff', () => {
  it('draws from a window that doubles with every failure up to its cap', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, always))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
    expect([0, 3, 9].map((attempt) => backoffMs(attempt, never))).toEqual([250, 250, 250]);
  });

  it('never leaves its limits', () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
        const delayMs = backoffMs(attempt, () => chance);
        expect(delayMs).toBeGreaterThanOrEqual(BACKOFF_MIN_MS);
        expect(delayMs).toBeLessThanOrEqual(BACKOFF_MAX_MS);
      }),
    );
  });
});

describe('a closed connection', () => {
  const retry = (code: number, reason = '') => afterClose({ code, reason }, 0, always);

  it.each([1000, 1001, 1006, 1012, 1013, 4008, 4009, 4029])('with code %i is made anew', (code) => {
    expect(retry(code)).toEqual({ next: 'retry', delayMs: 500, tokenRefusal: undefined });
  });

  it.each([
    [4401, 'TOKEN_INVALID'],
    [4413, 'TOKEN_TOO_LARGE'],
  ])('with code %i is made anew, but not with the same token', (code, reason) => {
    const tokenRefusal = { reason, message: 'token refused' };
    expect(retry(code, 'token refused')).toEqual({ next: 'retry', delayMs: 500, tokenRefusal });
  });

  it.each([
    [4400, 'MESSAGE_INVALID'],
    [4402, 'CONNECTION_REFUSED'],
    [4403, 'ORIGIN_NOT_ALLOWED'],
    [4404, 'ROUTE_NOT_FOUND'],
    [4499, 'CONNECTION_REFUSED'],
  ])('with code %i is over', (code, reason) => {
    expect(retry(code, 'in words')).toEqual({ next: 'stop', refusal: { reason, message: 'in words' } });
  });

  it('is over with a reason even when the server gave none', () => {
    expect(retry(4403)).toMatchObject({ refusal: { message: expect.stringContaining('4403') } });
  });

  it('waits as long as the server asks, spread a little', () => {
    expect(afterClose({ code: 1012, reason: '{"retryMs":2000}' }, 0, never)).toMatchObject({
      delayMs: 2_000,
    });
    expect(afterClose({ code: 1012, reason: '{"retryMs":2000}' }, 0, always)).toMatchObject({
      delayMs: 2_500,
    });
  });

  it('does not let the server send it away for ever', () => {
    const after = afterClose({ code: 1012, reason: '{"retryMs":1e12}' }, 0, never);
    expect(after).toMatchObject({ delayMs: RETRY_HINT_MAX_MS });
  });

  it.each(['{"retryMs":-1}', '{"retryMs":"soon"}', 'null', '{', 'restarting'])(
    'ignores a reason that it can not use: %s',
    (reason) => {
      expect(retry(1012, reason)).toMatchObject({ next: 'retry', delayMs: 500 });
    },
  );
});
