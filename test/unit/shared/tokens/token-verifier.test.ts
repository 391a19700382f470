import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { MAX_TOKEN_LENGTH } from '../../../../services/shared/tokens/rules/token-check.ts';
import {
  createTokenVerifier,
  OWN_KEYS_REFRESH_MS,
  type OwnedTokenVerifier,
  type TokenVerifierOptions,
} from '../../../../services/shared/tokens/token-verifier.ts';
import { eventually } from '../../../support/eventually.ts';
import {
  keySetJson,
  makeKey,
  makeToken,
  NOW_MS,
  NOW_S,
  POLICY,
  type TestKey,
} from '../../auth/token-fixtures.ts';

const a = makeKey('a');
const b = makeKey('b');
let published: TestKey[];
let revoked: { subject: { case: 'tokenId' | 'userId'; value: string }; revokedAtUnix: bigint }[];
let down: boolean;
let nowMs: number;
let verifier: OwnedTokenVerifier;

let version: string;
let unchanged: boolean;
let asked: unknown[];
const clock = { now: () => nowMs };

const auth = {
  async getKeySet(...words: unknown[]) {
    asked.push(words);
    if (down) throw new AppError('AUTH_UNAVAILABLE');
    if (unchanged) return { jwksJson: '', version: '', unchanged, revocations: [] };
    return { jwksJson: keySetJson(...published), version, unchanged, revocations: revoked };
  },
} as unknown as TokenVerifierOptions['auth'];

const start = () => createTokenVerifier({ policy: POLICY, auth, clock, log: createSilentLog() });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  published = [a];
  revoked = [];
  down = false;
  version = '';
  unchanged = false;
  asked = [];
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
    await eventually(() => expect(slow).toHaveBeenCalled());
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

  test('refuses a revoked token within one refresh, even if cached, and no other', async () => {
    const [bad, good] = [makeToken(a), makeToken(a, { jti: 'token-2' })];
    await verifier.verify(bad);
    revoked = [{ subject: { case: 'tokenId', value: 'token-1' }, revokedAtUnix: BigInt(NOW_S) }];
    await pass(OWN_KEYS_REFRESH_MS);
    for (const token of [bad, makeToken(a, { sub: 'bob' })]) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
    }
    expect(await verifier.verify(good)).toMatchObject({ tokenId: 'token-2' });
  });

  test("refuses a revoked player's tokens up to that moment, and takes those that come later", async () => {
    const before = makeToken(a, { iat: NOW_S - 5, jti: 'before' });
    await verifier.verify(before);
    revoked = [{ subject: { case: 'userId', value: 'alice' }, revokedAtUnix: BigInt(NOW_S) }];
    await pass(OWN_KEYS_REFRESH_MS);
    for (const token of [before, makeToken(a)]) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
    }
    expect(await verifier.verify(makeToken(a, { sub: 'bob' }))).toMatchObject({ userId: 'bob' });
    nowMs += 1_000;
    expect(await verifier.verify(makeToken(a, { iat: NOW_S + 1 }))).toMatchObject({ userId: 'alice' });
  });

  test('reports to listeners which identities are void: by key, by token, by player', async () => {
    published = [a, b];
    await pass(OWN_KEYS_REFRESH_MS);
    const ofA = await verifier.verify(makeToken(a));
    const ofB = await verifier.verify(makeToken(b, { sub: 'bob', jti: 'token-2' }));
    const voided: string[] = [];
    verifier.onWithdrawn((isVoid) => {
      for (const identity of [ofA, ofB]) if (isVoid(identity)) voided.push(identity.userId);
    });
    published = [b];
    await pass(OWN_KEYS_REFRESH_MS);
    expect(voided).toEqual(['alice']);
    expect([ofA, ofB].map((identity) => verifier.stands(identity))).toEqual([false, true]);
    revoked = [{ subject: { case: 'userId', value: 'bob' }, revokedAtUnix: BigInt(NOW_S) }];
    await pass(OWN_KEYS_REFRESH_MS);
    expect(voided).toEqual(['alice', 'bob']);
    expect(verifier.stands(ofB)).toBe(false);
  });

  test('refuses revoked tokens while the auth service is down', async () => {
    revoked = [{ subject: { case: 'tokenId', value: 'token-1' }, revokedAtUnix: BigInt(NOW_S) }];
    await pass(OWN_KEYS_REFRESH_MS);
    down = true;
    await pass(60_000);
    await expect(verifier.verify(makeToken(a))).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
  });

  test('refuses an over-long token before any work', async () => {
    await verifier.verify(makeToken(a));
    const lookedAtClock = vi.spyOn(clock, 'now');
    await expect(verifier.verify('x'.repeat(MAX_TOKEN_LENGTH + 1))).rejects.toMatchObject({
      reason: 'TOKEN_TOO_LARGE',
    });
    expect(lookedAtClock).not.toHaveBeenCalled();
    await expect(verifier.verify('x'.repeat(MAX_TOKEN_LENGTH))).rejects.toMatchObject({
      reason: 'TOKEN_INVALID',
    });
    expect(lookedAtClock).toHaveBeenCalled();
    lookedAtClock.mockRestore();
  });

  test('refuses a token of an unknown issuer, and does not accept such an identity later', async () => {
    await expect(verifier.verify(makeToken(a, { iss: 'someone' }))).rejects.toMatchObject({
      reason: 'TOKEN_INVALID',
    });
    const identity = await verifier.verify(makeToken(a));
    expect(verifier.stands(identity)).toBe(true);
    expect(verifier.stands({ ...identity, issuer: 'someone' })).toBe(false);
  });

  test('reports each refusal with the rule that failed, also of a token that it knows', async () => {
    verifier.close();
    const rules: string[] = [];
    verifier = createTokenVerifier({
      ...{ policy: POLICY, auth, clock, log: createSilentLog() },
      onRefused: ({ rule }) => rules.push(rule),
    });
    const known = makeToken(a);
    await verifier.verify(known);
    revoked = [{ subject: { case: 'tokenId', value: 'token-1' }, revokedAtUnix: BigInt(NOW_S) }];
    await pass(OWN_KEYS_REFRESH_MS);
    const tokens = [known, makeToken(a, { iss: 'someone' }), 'x'.repeat(MAX_TOKEN_LENGTH + 1), 'x'];
    for (const token of tokens) await expect(verifier.verify(token)).rejects.toThrow(AppError);
    expect(rules).toEqual(['revoked', 'issuer', 'size', 'form']);
  });

  test('requests keys with the version that it has, and keeps them while nothing changed', async () => {
    await verifier.verify(makeToken(a));
    version = '7';
    await pass(OWN_KEYS_REFRESH_MS);
    unchanged = true;
    await pass(OWN_KEYS_REFRESH_MS);
    await pass(OWN_KEYS_REFRESH_MS);
    expect(asked).toEqual([
      [{ knownVersion: '', waitMs: 0 }, { limitMs: 2_000 }],
      [{ knownVersion: '', waitMs: 10_000 }, { limitMs: 12_000 }],
      [{ knownVersion: '7', waitMs: 10_000 }, { limitMs: 12_000 }],
      [{ knownVersion: '7', waitMs: 10_000 }, { limitMs: 12_000 }],
    ]);
    expect(verifier.jwksJson()).toBe(keySetJson(a));
    expect(await verifier.verify(makeToken(a, { jti: 'later' }))).toMatchObject({ userId: 'alice' });
  });

  test('makes no more requests once it is closed', async () => {
    await verifier.verify(makeToken(a));
    verifier.close();
    await pass(10 * OWN_KEYS_REFRESH_MS);
    expect(asked).toHaveLength(1);
  });

  test('names the key set that can not be fetched for some seconds', async () => {
    verifier.close();
    down = true;
    const log = { warn: vi.fn(), info: vi.fn() };
    verifier = createTokenVerifier({ policy: POLICY, auth, clock, log: log as never });
    await pass(4_000);
    expect(log.warn).not.toHaveBeenCalled();
    await pass(8_000);
    expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ keySet: 'own' }), expect.any(String));
  });
});
