import { describe, expect, test } from 'vitest';
import { createTokenCache } from '../../../../services/shared/tokens/token-cache.ts';

const identity = (userId: string, expiresAtMs = 1_000) => ({
  userId,
  username: userId,
  tokenId: userId,
  issuer: 'scoreboard',
  keyId: 'k1',
  issuedAtMs: 0,
  expiresAtMs,
});

describe('the cache of verified tokens', () => {
  test('never holds more than its limit', () => {
    const cache = createTokenCache({ tokens: 100, characters: 10_000 });
    for (let index = 0; index < 10_000; index += 1) {
      cache.remember(`t${index}`, identity(`u${index}`), 'us', 'k');
      expect(cache.size).toBeLessThanOrEqual(100);
    }
    expect(cache.recall('t9999', 0)).toMatchObject({ userId: 'u9999' });
    expect(cache.recall('t0', 0)).toBeUndefined();
  });

  test('holds fewer tokens when they are long', () => {
    const cache = createTokenCache({ tokens: 100, characters: 10_000 });
    const long = (index: number) => `t${index}`.padEnd(2_500, 'x');
    for (let index = 0; index < 100; index += 1) {
      cache.remember(long(index), identity(`u${index}`), 'us', 'k');
      expect(cache.size).toBeLessThanOrEqual(4);
    }
    expect(cache.recall(long(99), 0)).toMatchObject({ userId: 'u99' });
  });

  test('keeps a token that is used while others come and go', () => {
    const cache = createTokenCache({ tokens: 100, characters: 10_000 });
    cache.remember('mine', identity('me'), 'us', 'k');
    for (let index = 0; index < 10_000; index += 1) {
      cache.remember(`t${index}`, identity(`u${index}`), 'us', 'k');
      if (index % 20 === 0) expect(cache.recall('mine', 0)).toMatchObject({ userId: 'me' });
    }
  });

  test('drops a token at the moment its time is over', () => {
    const cache = createTokenCache({ tokens: 10, characters: 10_000 });
    cache.remember('t', identity('u', 500), 'us', 'k');
    expect(cache.recall('t', 499)).toBeDefined();
    expect(cache.recall('t', 500)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  test('forgets by issuer and key', () => {
    const cache = createTokenCache({ tokens: 4, characters: 10_000 });
    cache.remember('a', identity('a'), 'us', 'k1');
    cache.remember('b', identity('b'), 'us', 'k2');
    cache.remember('c', identity('c'), 'them', 'k1');
    cache.forget('us', new Set(['k1']));
    expect(cache.recall('a', 0)).toBeUndefined();
    expect(cache.recall('b', 0)).toBeDefined();
    expect(cache.recall('c', 0)).toBeDefined();
  });
});
