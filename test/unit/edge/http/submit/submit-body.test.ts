import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSignature, parseSubmitBody } from '../../../../../edge/http/submit/submit-body.ts';
import { AppError, type Reason } from '../../../../../services/shared/errors/app-error.ts';

const GOOD = { actionId: 'a1', points: 100, signature: 'v1.k1.1800000000.mac' };

const bytesOf = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));

function reasonOf(body: unknown): Reason | 'accepted' {
  try {
    parseSubmitBody(Buffer.isBuffer(body) ? body : bytesOf(body));
    return 'accepted';
  } catch (error) {
    if (error instanceof AppError) return error.reason;
    throw error;
  }
}

/** A good body with one field written literally. */
const withPoints = (literal: string) => `{"actionId":"a1","signature":"s","points":${literal}}`;

describe('the body of a submission', () => {
  test('becomes the action that it names, on the global board by default', () => {
    expect(parseSubmitBody(bytesOf(GOOD))).toEqual({ ...GOOD, points: 100n, leaderboard: 'global' });
    expect(parseSubmitBody(bytesOf({ ...GOOD, leaderboard: 'weekly' })).leaderboard).toBe('weekly');
  });

  test('names no player: such fields are ignored like all unknown fields', () => {
    const action = parseSubmitBody(
      bytesOf({ ...GOOD, userId: 'mallory', sub: 'mallory', extra: { deep: [1] } }),
    );
    expect(Object.keys(action).sort()).toEqual(['actionId', 'leaderboard', 'points', 'signature']);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['two objects', '{}{}'],
    ['an array', '[{"actionId":"a1"}]'],
    ['a string', '"a1"'],
    ['a number', '1'],
    ['null', 'null'],
    ['two byte order marks', `\ufeff\ufeff${JSON.stringify(GOOD)}`],
    ['a trailing comma', '{"actionId":"a1",}'],
    ['single quotes', "{'actionId':'a1'}"],
    ['half a character', Buffer.concat([bytesOf('{"actionId":"'), Buffer.from([0xc3]), bytesOf('"}')])],
    ['an overlong form', Buffer.concat([bytesOf('{"x":"'), Buffer.from([0xc0, 0xaf]), bytesOf('"}')])],
    ['UTF-16', Buffer.from(JSON.stringify(GOOD), 'utf16le')],
  ])('is refused when it is %s', (_, body) => {
    expect(reasonOf(body)).toBe('BODY_INVALID');
  });

  test.each([
    '"100"',
    '1.5',
    '-1',
    '-0',
    '1e308',
    '1e999',
    '9007199254740992',
    'null',
    'true',
    '[1]',
    '{}',
    '1e-5',
  ])('is refused with points of %s', (literal) => {
    expect(reasonOf(withPoints(literal))).toBe('POINTS_INVALID');
  });

  test.each([
    ['0', 0n],
    ['1e2', 100n],
    ['9007199254740991', 2n ** 53n - 1n],
  ])('takes points of %s', (literal, points) => {
    expect(parseSubmitBody(bytesOf(withPoints(literal))).points).toBe(points);
  });

  test.each([
    ['ACTION_ID_INVALID', { actionId: undefined }],
    ['ACTION_ID_INVALID', { actionId: 7 }],
    ['ACTION_ID_INVALID', { actionId: '' }],
    ['ACTION_ID_INVALID', { actionId: 'a'.repeat(65) }],
    ['ACTION_ID_INVALID', { actionId: 'a b' }],
    ['ACTION_ID_INVALID', { actionId: 'a\n' }],
    ['ACTION_ID_INVALID', { actionId: 'ä' }],
    ['accepted', { actionId: 'a'.repeat(64) }],
    ['LEADERBOARD_INVALID', { leaderboard: 'x'.repeat(65) }],
    ['LEADERBOARD_INVALID', { leaderboard: '../global' }],
    ['LEADERBOARD_INVALID', { leaderboard: null }],
    ['POINTS_INVALID', { points: undefined }],
    ['SIGNATURE_REQUIRED', { signature: undefined }],
    ['SIGNATURE_REQUIRED', { signature: '' }],
    ['SIGNATURE_REQUIRED', { signature: null }],
    ['SIGNATURE_REQUIRED', { signature: ['v1'] }],
    ['SIGNATURE_INVALID', { signature: 's'.repeat(257) }],
    ['accepted', { signature: 's'.repeat(256) }],
  ])('is %s with %j', (reason, change) => {
    expect(reasonOf({ ...GOOD, ...change })).toBe(reason);
  });

  test('is never read from a prototype, whatever the names of its fields', () => {
    expect(reasonOf(`{"__proto__":${JSON.stringify(GOOD)}}`)).toBe('ACTION_ID_INVALID');
    expect(reasonOf('{"constructor":{"prototype":{"points":1}},"actionId":"a1"}')).toBe('POINTS_INVALID');
    expect(Object.hasOwn(Object.prototype, 'points')).toBe(false);
  });

  test('counts the last of two fields with the same name, and the signature must cover that one', () => {
    expect(parseSubmitBody(bytesOf('{"actionId":"a1","points":1,"points":2,"signature":"s"}')).points).toBe(
      2n,
    );
  });

  test('leads to an action within all limits, or to a refusal', () => {
    const field = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.constant(null), fc.jsonValue());
    const body = fc.record(
      { actionId: field, points: field, signature: field, leaderboard: field },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(body, fc.jsonValue()), (value) => {
        try {
          const action = parseSubmitBody(bytesOf(value));
          expect(action.actionId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
          expect(action.leaderboard).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
          expect(action.points >= 0n && action.points <= 2n ** 53n - 1n).toBe(true);
          expect(action.signature.length).toBeLessThanOrEqual(256);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('never fails otherwise, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(reasonOf(Buffer.from(bytes))).not.toBe('INTERNAL');
      }),
    );
  });
});

test('a signature is any string of up to 256 characters', () => {
  expect(parseSignature('anything at all')).toBe('anything at all');
});
