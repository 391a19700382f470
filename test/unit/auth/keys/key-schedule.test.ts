import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  keyState,
  liveKeys,
  MAX_LIVE_KEYS,
  type StoredKey,
  signingKey,
  withNewKey,
  withoutKey,
} from '../../../../services/auth/keys/key-schedule.ts';

const jwk = { kty: 'oct', k: '' };
const DELAY = 60;
const RETENTION = 1_000;
const first: StoredKey[] = [{ kid: 'a', jwk, signsFromMs: 0 }];
const rotate = (keys: readonly StoredKey[], kid: string, nowMs: number) =>
  withNewKey(keys, { kid, jwk }, { nowMs, publishDelayMs: DELAY, retentionMs: RETENTION });
const withdraw = (keys: readonly StoredKey[], kid: string, nowMs: number) =>
  withoutKey(keys, kid, nowMs, () => ({ kid: 'fresh', jwk }));
const signer = (keys: readonly StoredKey[], nowMs: number) => signingKey(keys, nowMs)?.kid;
const live = (keys: readonly StoredKey[], nowMs: number) => liveKeys(keys, nowMs).map(({ kid }) => kid);

describe('a rotation', () => {
  const keys = rotate(first, 'b', 100);

  test('publishes the new key at once and lets it sign after the delay', () => {
    expect(live(keys, 100)).toEqual(['a', 'b']);
    expect(keys.map((key) => keyState(key, keys, 100))).toEqual(['signing', 'waiting']);
    expect(signer(keys, 159)).toBe('a');
    expect(signer(keys, 160)).toBe('b');
    expect(keys.map((key) => keyState(key, keys, 160))).toEqual(['verifying', 'signing']);
  });

  test('keeps the old key until the longest life of what it signed is over, then drops it', () => {
    expect(live(keys, 160 + RETENTION - 1)).toEqual(['a', 'b']);
    expect(live(keys, 160 + RETENTION)).toEqual(['b']);
    expect(rotate(keys, 'c', 160 + RETENTION).map(({ kid }) => kid)).toEqual(['b', 'c']);
  });

  test('is refused when too many keys live', () => {
    let many: readonly StoredKey[] = first;
    for (let index = 1; index < MAX_LIVE_KEYS; index += 1) many = rotate(many, `k${index}`, index);
    expect(() => rotate(many, 'more', MAX_LIVE_KEYS)).toThrow('wait until one expires');
  });
});

describe('a withdrawal', () => {
  test('of the only key creates a new one that signs at once', () => {
    const keys = withdraw(first, 'a', 50);
    expect(live(keys, 50)).toEqual(['fresh']);
    expect(signer(keys, 50)).toBe('fresh');
  });

  test('of the signing key lets the key that waits take over at once', () => {
    const keys = withdraw(rotate(first, 'b', 100), 'a', 110);
    expect(live(keys, 110)).toEqual(['b']);
    expect(signer(keys, 110)).toBe('b');
  });

  test('of the key that waits leaves the signing key for good', () => {
    const keys = withdraw(rotate(first, 'b', 100), 'b', 110);
    expect(signer(keys, 110)).toBe('a');
    expect(signer(keys, 1_000_000)).toBe('a');
  });

  test('of the signing key never restores one that had been replaced', () => {
    const keys = withdraw(rotate(first, 'b', 100), 'b', 200);
    expect(signer(keys, 200)).toBe('fresh');
    expect(live(keys, 200)).toEqual(['a', 'fresh']);
    expect(live(keys, 160 + RETENTION)).toEqual(['fresh']);
  });

  test('of a key that only verifies changes nothing for the others', () => {
    const keys = withdraw(rotate(first, 'b', 100), 'a', 200);
    expect(live(keys, 200)).toEqual(['b']);
    expect(signer(keys, 200)).toBe('b');
  });

  test('leaves a key that signs also when the clock goes back to before it', () => {
    expect(signer(withdraw(first, 'a', 50), 40)).toBe('fresh');
    expect(signer(withdraw(rotate(first, 'b', 100), 'a', 110), 90)).toBe('b');
  });

  test('of an unknown key is refused', () => {
    expect(() => withdraw(first, 'x', 0)).toThrow('there is no key x');
  });
});

test('whatever is rotated and withdrawn, one live key always signs, and what it signs can be verified to the end', () => {
  const step = fc.record({
    waitMs: fc.nat({ max: 2 * RETENTION }),
    withdraw: fc.option(fc.nat({ max: MAX_LIVE_KEYS }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let keys: readonly StoredKey[] = first;
      let now = 0;
      let made = 0;
      const withdrawn = new Set<string>();
      const fresh = () => {
        made += 1;
        return { kid: `k${made}`, jwk };
      };
      for (const { waitMs, withdraw } of steps) {
        now += waitMs;
        const victim = withdraw === undefined ? undefined : liveKeys(keys, now)[withdraw];
        if (victim !== undefined) {
          keys = withoutKey(keys, victim.kid, now, fresh);
          withdrawn.add(victim.kid);
        } else if (liveKeys(keys, now).length < MAX_LIVE_KEYS) {
          keys = withNewKey(keys, fresh(), {
            nowMs: now,
            publishDelayMs: DELAY,
            retentionMs: RETENTION,
          });
        }
        expect(keys.some(({ kid }) => withdrawn.has(kid))).toBe(false);
        for (const at of [now, now + DELAY, now + RETENTION, now + 100 * RETENTION]) {
          const key = signingKey(keys, at);
          expect(liveKeys(keys, at)).toContain(key);
          expect(liveKeys(keys, at + RETENTION - 1)).toContain(key);
        }
      }
    }),
  );
});
