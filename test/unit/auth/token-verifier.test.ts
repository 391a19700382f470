import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../services/shared/app-error.ts';
import { createSilentLog } from '../../../services/shared/log.ts';
import {
  createTokenVerifier,
  OWN_KEYS_REFRESH_MS,
  type OwnedTokenVerifier,
  type TokenVerifierOptions,
} from '../../../services/shared/token-verifier.ts';
import { keySetJson, makeKey, makeToken, NOW_MS, NOW_S, POLICY, type TestKey } from './token-fixtures.ts';

const a = makeKey('a');
const b = makeKey('b');
let published: TestKey[];
let down: boolean;
let nowMs: number;
let verifier: OwnedTokenVerifier;

const auth = {
  async getKeySet() {
    if (down) throw new AppError('AUTH_UNAVAILABLE');
    return { jwksJson: keySetJson(...published) };
  },
} as unknown as TokenVerifierOptions['auth'];

const start = () =>
  createTokenVerifier({ policy: POLICY, auth, clock: { now: () => nowMs }, log: createSilentLog() });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  published = [a];
  down = false;
  nowMs = NOW_MS;
  verifier = start();
});
afterEach(() => {
  verifier.close();
  vi.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

describe('the token verifier', () => {
  test('answers at once for a token that it verified before', async () => {
    const token = makeToken(a);
    const first = await verifier.verify(token);
    expect(verifier.verify(token)).toBe(first);
  });

  test('verifies without the auth service once it holds the keys', async () => {
    await verifier.verify(makeToken(a));
    down = true;
    await pass(30 * 60_000);
    const later = { iat: nowMs / 1000, exp: nowMs / 1000 + 600, jti: 'later' };
    expect(await verifier.verify(makeToken(a, later))).toMatchObject({ userId: 'alice' });
  });

  test('is ready once it holds a key set, and shows our own', async () => {
    verifier.close();
    down = true;
    verifier = start();
    await pass(10_000);
    expect(verifier.ready()).toBe(false);
    expect(verifier.jwksJson()).toBeUndefined();
    down = false;
    await pass(2_000);
    expect(verifier.ready()).toBe(true);
    expect(verifier.jwksJson()).toBe(keySetJson(a));
  });

  test('says AUTH_UNAVAILABLE, not TOKEN_INVALID, when it could never get a key set', async () => {
    verifier.close();
    down = true;
    verifier = start();
    await expect(verifier.verify(makeToken(a))).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
    await expect(verifier.verify('nonsense')).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
  });

  test('does not remember a token past its end', async () => {
    const token = makeToken(a, { exp: NOW_S + 2 });
    await verifier.verify(token);
    expect(verifier.verify(token)).not.toBeInstanceOf(Promise);
    nowMs += 2_000;
    const again = verifier.verify(token);
    expect(again).toBeInstanceOf(Promise);
    await again;
    nowMs += 5_000;
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
  });

  test('remembers nothing about refused tokens', async () => {
    const early = makeToken(b);
    await expect(verifier.verify(early)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
    published = [a, b];
    await pass(OWN_KEYS_REFRESH_MS);
    expect(await verifier.verify(early)).toMatchObject({ userId: 'alice' });
  });

  test('forgets the tokens of a withdrawn key within one refresh, and keeps the others', async () => {
    published = [a, b];
    const [ofA, ofB] = [makeToken(a), makeToken(b)];
    await pass(OWN_KEYS_REFRESH_MS);
    await verifier.verify(ofA);
    await verifier.verify(ofB);
    published = [b];
    await pass(OWN_KEYS_REFRESH_MS);
    await expect(verifier.verify(ofA)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
    expect(verifier.verify(ofB)).not.toBeInstanceOf(Promise);
  });

  test('does not remember a token whose key was withdrawn while its signature was being checked', async () => {
    published = [a, b];
    await pass(OWN_KEYS_REFRESH_MS);
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { subtle } = crypto;
    const check = subtle.verify.bind(subtle);
    const slow = vi.spyOn(subtle, 'verify').mockImplementationOnce(async (...parts) => {
      await gate;
      return check(...parts);
    });
    const token = makeToken(a);
    const underWay = verifier.verify(token);
    await vi.waitFor(() => expect(slow).toHaveBeenCalled());
    published = [b];
    await pass(OWN_KEYS_REFRESH_MS);
    go();
    await underWay;
    slow.mockRestore();
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
  });

  test('accepts the tokens of old and new keys alike while keys rotate', async () => {
    const before = makeToken(a);
    await verifier.verify(before);
    published = [a, b];
    await pass(OWN_KEYS_REFRESH_MS);
    expect(await verifier.verify(makeToken(b))).toMatchObject({ userId: 'alice' });
    expect(await verifier.verify(before)).toMatchObject({ userId: 'alice' });
  });

  test('refuses an over-long token before any work', async () => {
    await expect(verifier.verify(`${makeToken(a)}${'x'.repeat(4096)}`)).rejects.toMatchObject({
      reason: 'TOKEN_INVALID',
    });
  });
});
