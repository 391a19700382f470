import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  SignedActionSchema,
  ActionVerdict_Status as Status,
} from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { openSignature, openV0Signature, signAction } from '../../../../services/auth/actions/action-mac.ts';
import { verifyActions } from '../../../../services/auth/actions/verify-actions.ts';
import { action } from '../arbitraries.ts';

const secret = randomBytes(32);
const KEY = { kid: 'k1', secret: createSecretKey(secret) };
const OTHER_KEY = { kid: 'k2', secret: createSecretKey(randomBytes(32)) };
const findKey = (kid: string) => [KEY, OTHER_KEY].find((key) => key.kid === kid);
const ACTION = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
const NOW_MS = 1_800_000_000_000;
const EXPIRES_AT = NOW_MS / 1000 + 900;

const literalMac = (actionId: string, points: string) =>
  createHmac('sha256', secret)
    .update(actionId + points)
    .digest();

describe('an action signature', () => {
  test('holds for exactly the action it was made for', () => {
    fc.assert(
      fc.property(action, (fields) => {
        expect(openSignature(fields, signAction(fields, KEY, EXPIRES_AT), findKey)).toEqual(
          expect.objectContaining({ kid: 'k1', expiresAt: EXPIRES_AT }),
        );
      }),
    );
  });

  test('is the documented HMAC of the documented string', () => {
    const expected = createHmac('sha256', secret)
      .update(`scoreboard-action-v1\nk1\nglobal\nalice\na1\n100\n${EXPIRES_AT}`)
      .digest('base64url');
    expect(signAction(ACTION, KEY, EXPIRES_AT)).toBe(`v1.k1.${EXPIRES_AT}.${expected}`);
  });

  test.each([
    ['leaderboard', { ...ACTION, leaderboard: 'weekly' }],
    ['user id', { ...ACTION, userId: 'bob' }],
    ['action id', { ...ACTION, actionId: 'a2' }],
    ['points', { ...ACTION, points: 101n }],
  ])('does not hold once the %s is another', (_, changed) => {
    expect(openSignature(changed, signAction(ACTION, KEY, EXPIRES_AT), findKey)).toBeUndefined();
  });

  test('is not valid for any other action', () => {
    fc.assert(
      fc.property(action, action, (signed, claimed) => {
        fc.pre(Object.values(signed).join('\n') !== Object.values(claimed).join('\n'));
        return openSignature(claimed, signAction(signed, KEY, EXPIRES_AT), findKey) === undefined;
      }),
    );
  });

  test('does not hold once any single bit of the MAC is flipped', () => {
    const signature = signAction(ACTION, KEY, EXPIRES_AT);
    const [prefix, bytes] = [signature.slice(0, -43), Buffer.from(signature.slice(-43), 'base64url')];
    for (let bit = 0; bit < 256; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(openSignature(ACTION, prefix + flipped.toString('base64url'), findKey)).toBeUndefined();
    }
    expect(openSignature(ACTION, prefix + bytes.toString('base64url'), findKey)).toBeDefined();
  });

  test('does not hold once any single character of it is another', () => {
    const signature = signAction(ACTION, KEY, EXPIRES_AT);
    for (let at = 0; at < signature.length; at += 1) {
      for (const character of '.019AZaz-_=\n') {
        const changed = signature.slice(0, at) + character + signature.slice(at + 1);
        if (changed !== signature) expect(openSignature(ACTION, changed, findKey)).toBeUndefined();
      }
    }
  });

  test('does not hold with a later time, another key id, or a key that was withdrawn', () => {
    const signature = signAction(ACTION, KEY, EXPIRES_AT);
    expect(
      openSignature(ACTION, signature.replace(`${EXPIRES_AT}`, `${EXPIRES_AT + 1}`), findKey),
    ).toBeUndefined();
    expect(openSignature(ACTION, signature.replace('.k1.', '.k2.'), findKey)).toBeUndefined();
    expect(openSignature(ACTION, signature, () => undefined)).toBeUndefined();
  });
});

describe('the literal v0 form', () => {
  const collisions = [
    ['a1', '00'],
    ['a10', '0'],
    ['a', '100'],
  ] as const;

  test('gives three different actions the same MAC, which is why it is off', () => {
    const macs = collisions.map(([actionId, points]) => literalMac(actionId, points).toString('hex'));
    expect(new Set(macs).size).toBe(1);
  });

  test('lets a MAC made for (a10, 0) count 100 points for action a', () => {
    const stolen = `v0.k1.${literalMac('a10', '0').toString('base64url')}`;
    expect(openV0Signature({ actionId: 'a', points: 100n }, stolen, findKey)).toBeDefined();
  });

  test.each(['hex', 'base64url'] as const)('is read in %s', (encoding) => {
    const signature = `v0.k1.${literalMac('a1', '100').toString(encoding)}`;
    expect(openV0Signature(ACTION, signature, findKey)).toEqual({ kid: 'k1', expiresAt: Infinity });
    expect(openV0Signature({ ...ACTION, points: 101n }, signature, findKey)).toBeUndefined();
    expect(openV0Signature(ACTION, signature.replace('k1', 'k9'), findKey)).toBeUndefined();
    expect(openV0Signature(ACTION, signature.slice(0, -1), findKey)).toBeUndefined();
    expect(openV0Signature(ACTION, `${signature}\n`, findKey)).toBeUndefined();
  });

  test.each([
    ['nothing at all', ''],
    ['another version', 'v2.k1.'],
    ['something in front of it', ' v0.k1.'],
    ['no key id', 'v0..'],
    ['a key id of 33 characters', `v0.${'k'.repeat(33)}.`],
  ])('is refused with %s, also right after a genuine one and whatever keys there are', (_, head) => {
    const mac = literalMac('a1', '100').toString('hex');
    const open = (signature: string) => openV0Signature(ACTION, signature, () => KEY);
    expect(open(`v0.k1.${mac}`)).toBeDefined();
    expect(open(head === '' ? '' : head + mac)).toBeUndefined();
  });

  test('is refused in capitals and in base64url with stray bits', () => {
    const mac = literalMac('a1', '100');
    const text = mac.toString('base64url');
    const next = String.fromCharCode(text.charCodeAt(42) + 1);
    expect(openV0Signature(ACTION, `v0.k1.${mac.toString('hex').toUpperCase()}`, findKey)).toBeUndefined();
    expect(openV0Signature(ACTION, `v0.k1.${text.slice(0, 42)}${next}`, findKey)).toBeUndefined();
  });

  test('never passes for v1, nor v1 for it, under the same key', () => {
    const v1 = signAction(ACTION, KEY, EXPIRES_AT);
    expect(openV0Signature(ACTION, `v0.k1.${v1.slice(-43)}`, findKey)).toBeUndefined();
    const v0 = literalMac('a1', '100').toString('base64url');
    expect(openSignature(ACTION, `v1.k1.${EXPIRES_AT}.${v0}`, findKey)).toBeUndefined();
  });
});

describe('a batch of signed actions', () => {
  const LIFETIME_S = EXPIRES_AT - NOW_MS / 1000;
  const options = { findKey, allowV0: false, lifetimeS: LIFETIME_S, isRevoked: () => false, nowMs: NOW_MS };
  const signed = (signature: string, fields: Partial<typeof ACTION> = {}) =>
    create(SignedActionSchema, { action: { ...ACTION, ...fields }, signature });
  const genuine = signAction(ACTION, KEY, EXPIRES_AT);
  const late = signAction(ACTION, KEY, NOW_MS / 1000);
  const v0 = `v0.k1.${literalMac('a1', '100').toString('hex')}`;

  test('gets one verdict per action, in order, and an invalid action does not affect the others', () => {
    const batch = [
      signed(genuine),
      signed('garbage'),
      signed(late),
      create(SignedActionSchema, { signature: genuine }),
      signed(genuine, { userId: 'bob' }),
      signed(genuine, { leaderboard: '' }),
    ];
    expect(verifyActions(batch, options).map(({ status }) => status)).toEqual([
      Status.VALID,
      Status.INVALID,
      Status.EXPIRED,
      Status.INVALID,
      Status.INVALID,
      Status.VALID,
    ]);
  });

  test('has the key and the time of a valid action only', () => {
    const [valid, expired, invalid] = verifyActions([signed(genuine), signed(late), signed('x')], options);
    expect(valid).toMatchObject({ keyId: 'k1', expiresAtUnix: BigInt(EXPIRES_AT) });
    expect(expired).toMatchObject({ keyId: '', expiresAtUnix: 0n });
    expect(invalid).toMatchObject({ keyId: '', expiresAtUnix: 0n });
  });

  test('is expired only if it is genuine', () => {
    const forged = late.slice(0, -2) + (late.at(-2) === 'A' ? 'B' : 'A') + late.slice(-1);
    expect(verifyActions([signed(forged)], options)[0]?.status).toBe(Status.INVALID);
  });

  test('holds until the last millisecond before its time', () => {
    const statusAt = (nowMs: number) => verifyActions([signed(genuine)], { ...options, nowMs })[0]?.status;
    expect(statusAt(EXPIRES_AT * 1000 - 1)).toBe(Status.VALID);
    expect(statusAt(EXPIRES_AT * 1000)).toBe(Status.EXPIRED);
  });

  test('has expired if it was made before its player was revoked', () => {
    const statusAfter = (revokedAtMs: number) => {
      const isRevoked = (userId: string, givenAtMs: number) =>
        userId === ACTION.userId && givenAtMs <= revokedAtMs;
      return verifyActions([signed(genuine)], { ...options, isRevoked })[0]?.status;
    };
    expect(statusAfter(NOW_MS)).toBe(Status.EXPIRED);
    expect(statusAfter(NOW_MS - 1)).toBe(Status.VALID);
  });

  test('takes v0 only when the operator allows it', () => {
    expect(verifyActions([signed(v0)], options)[0]?.status).toBe(Status.INVALID);
    const [verdict] = verifyActions([signed(v0)], { ...options, allowV0: true });
    expect(verdict).toMatchObject({ status: Status.VALID, keyId: 'k1', expiresAtUnix: 0n });
  });

  test('refuses fields outside the grammar, also with a MAC that covers them', () => {
    const evil = { ...ACTION, userId: 'alice\na1', actionId: 'x' };
    const signature = signAction(evil, KEY, EXPIRES_AT);
    expect(verifyActions([signed(signature, evil)], options)[0]?.status).toBe(Status.INVALID);
  });
});
