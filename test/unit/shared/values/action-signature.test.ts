import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatSignature,
  isCanonicalMac,
  isSignable,
  MAX_SIGNATURE_LENGTH,
  parseSignature,
  stringToSign,
} from '../../../../services/shared/values/action-signature.ts';
import { MAX_SCORE, parseActionId, parseUserId } from '../../../../services/shared/values/identifiers.ts';
import { action, kid, mac, signedAction } from '../../auth/arbitraries.ts';

const GOOD = `v1.k1.1800000000.${'A'.repeat(43)}`;

describe('the string to sign', () => {
  test('is different for any two different actions', () => {
    fc.assert(
      fc.property(signedAction, signedAction, (a, b) => {
        const same = JSON.stringify(key(a)) === JSON.stringify(key(b));
        return (
          (stringToSign(a.action, a.kid, a.expiresAt) === stringToSign(b.action, b.kid, b.expiresAt)) === same
        );
      }),
    );
  });

  test('can be read back into exactly the fields it was made of', () => {
    fc.assert(
      fc.property(signedAction, ({ action, kid, expiresAt }) => {
        const parts = stringToSign(action, kid, expiresAt).split('\n');
        expect(parts).toEqual([
          'scoreboard-action-v1',
          kid,
          action.leaderboard,
          action.userId,
          action.actionId,
          String(action.points),
          String(expiresAt),
        ]);
      }),
    );
  });

  test.each([
    ['a1', 0n, 'a10', 0n],
    ['a10', 0n, 'a', 100n],
    ['a1', 0n, 'a', 100n],
  ])('tells (%s, %s) from (%s, %s), whose ids and points run together', (idA, pointsA, idB, pointsB) => {
    const base = { leaderboard: 'global', userId: 'alice' };
    const a = stringToSign({ ...base, actionId: idA, points: pointsA }, 'k1', 1);
    const b = stringToSign({ ...base, actionId: idB, points: pointsB }, 'k1', 1);
    expect(a).not.toBe(b);
  });

  test('writes points as a plain decimal up to the largest', () => {
    const text = stringToSign(
      { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: MAX_SCORE },
      'k1',
      1,
    );
    expect(text).toBe('scoreboard-action-v1\nk1\nglobal\nalice\na1\n9007199254740991\n1');
  });
});

describe('what may be signed', () => {
  test('is every action that keeps to the grammar', () => {
    fc.assert(fc.property(action, (fields) => isSignable(fields)));
  });

  test('follows the same grammar as the rest of the system', () => {
    const accepts = (parse: (value: string) => string, value: string) => {
      try {
        return parse(value) === value;
      } catch {
        return false;
      }
    };
    const base = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 1n };
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 140 }), fc.string({ unit: 'binary' })), (value) => {
        expect(isSignable({ ...base, userId: value })).toBe(accepts(parseUserId, value));
        expect(isSignable({ ...base, actionId: value })).toBe(accepts(parseActionId, value));
        expect(isSignable({ ...base, leaderboard: value })).toBe(accepts(parseActionId, value));
      }),
    );
  });

  test('may be as long and as large as each field allows', () => {
    const id = '-_0aZ'.padEnd(64, 'x');
    const largest = { leaderboard: id, userId: '!~'.padEnd(128, 'y'), actionId: id, points: MAX_SCORE };
    expect(isSignable(largest)).toBe(true);
    expect(isSignable({ leaderboard: 'g', userId: 'u', actionId: 'a', points: 0n })).toBe(true);
  });

  test.each([
    ['a line feed in the user id', { userId: 'alice\na1' }],
    ['a line feed at the end of the action id', { actionId: 'a1\n' }],
    ['an empty action id', { actionId: '' }],
    ['an action id of 65 characters', { actionId: 'a'.repeat(65) }],
    ['a user id of 129 characters', { userId: 'a'.repeat(129) }],
    ['a space in the user id', { userId: 'al ice' }],
    ['an empty leaderboard', { leaderboard: '' }],
    ['negative points', { points: -1n }],
    ['points above 2^53-1', { points: MAX_SCORE + 1n }],
  ])('is not %s', (_, change) => {
    expect(
      isSignable({ leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 1n, ...change }),
    ).toBe(false);
  });
});

describe('a signature', () => {
  test('reads back what was written', () => {
    fc.assert(
      fc.property(kid, fc.nat(), mac, (kid, expiresAt, mac) => {
        const text = formatSignature({ kid, expiresAt, mac });
        expect(text.length).toBeLessThanOrEqual(MAX_SIGNATURE_LENGTH);
        expect(parseSignature(text)).toEqual({ kid, expiresAt, mac });
      }),
    );
  });

  test('may be as long as its parts allow', () => {
    const longest = { kid: 'k'.repeat(32), expiresAt: Number.MAX_SAFE_INTEGER, mac: 'A'.repeat(43) };
    const text = formatSignature(longest);
    expect(text.length).toBe(MAX_SIGNATURE_LENGTH);
    expect(parseSignature(text)).toEqual(longest);
  });

  test('may have ended at the beginning of time', () => {
    expect(parseSignature(GOOD.replace('1800000000', '0'))).toMatchObject({ expiresAt: 0 });
    expect(parseSignature(GOOD.replace('1800000000', '00'))).toBeUndefined();
  });

  test('has one spelling: whatever parses is written back the same', () => {
    const mutated = fc
      .tuple(
        fc.nat({ max: GOOD.length - 1 }),
        fc.constantFrom(...'.-_=+/ \n\u00e9\0AZaz019v'),
        fc.nat({ max: 2 }),
      )
      .map(([at, character, cut]) => GOOD.slice(0, at) + character + GOOD.slice(at + cut));
    fc.assert(
      fc.property(mutated, (text) => {
        const parsed = parseSignature(text);
        expect(parsed === undefined || formatSignature(parsed) === text).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('never makes the parser throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        parseSignature(text);
        parseSignature(`v1.${text}`);
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['another version', GOOD.replace('v1', 'v2')],
    ['a version in capitals', GOOD.replace('v1', 'V1')],
    ['no key id', GOOD.replace('k1', '')],
    ['a key id of 33 characters', GOOD.replace('k1', 'k'.repeat(33))],
    ['a key id outside the alphabet', GOOD.replace('k1', 'k:1')],
    ['no time', GOOD.replace('1800000000', '')],
    ['a leading zero', GOOD.replace('1800000000', '01800000000')],
    ['a plus sign', GOOD.replace('1800000000', '+1800000000')],
    ['a negative time', GOOD.replace('1800000000', '-1')],
    ['a time with an exponent', GOOD.replace('1800000000', '18e8')],
    ['a time in hexadecimal', GOOD.replace('1800000000', '0x6b49d200')],
    ['a time above 2^53-1', GOOD.replace('1800000000', '9007199254740992')],
    ['a time of 17 digits', GOOD.replace('1800000000', '1'.repeat(17))],
    ['a MAC of 42 characters', GOOD.slice(0, -1)],
    ['a MAC of 44 characters', `${GOOD}A`],
    ['padding', `${GOOD}=`],
    ['padding in place of a character', `${GOOD.slice(0, -1)}=`],
    ['the other base64 alphabet', `${GOOD.slice(0, -2)}+A`],
    ['a slash', `${GOOD.slice(0, -2)}/A`],
    ['a trailing line feed', `${GOOD}\n`],
    ['a leading space', ` ${GOOD}`],
    ['a fifth part', `${GOOD}.A`],
    ['a character beyond ASCII', `${GOOD.slice(0, -2)}\u00c1A`],
    ['only two parts', 'v1.k1'],
    ['a key id and nothing more', 'v1.k1.'],
    ['a version and a time', 'v1.1800000000'],
    ['no MAC', 'v1.k1.1800000000'],
    ['an empty MAC', 'v1.k1.1800000000.'],
  ])('is refused with %s', (_, text) => {
    expect(parseSignature(GOOD)).toBeDefined();
    expect(parseSignature(text)).toBeUndefined();
  });

  test('is refused when the last character sets bits beyond the 256', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const canonical = [...alphabet].filter((last) => isCanonicalMac('A'.repeat(42) + last));
    expect(canonical.join('')).toBe('AEIMQUYcgkosw048');
  });
});

function key({ action, kid, expiresAt }: { action: object; kid: string; expiresAt: number }) {
  return [kid, expiresAt, Object.values(action).map(String)];
}
