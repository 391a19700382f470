import { describe, expect, test } from 'vitest';
import { claimAt, readShownName } from '../../../../../services/shared/tokens/players/shown-name.ts';

const PATHS = ['name', 'preferred_username', 'nickname'];
const SUBJECT = 'auth0|65f1c0ffee';

describe('the name that an outside token gives', () => {
  test.each([
    ['the first claim', { name: 'Kim', nickname: 'kk' }, 'Kim'],
    ['the next one, when the first is an e-mail address', { name: 'kim@example.com', nickname: 'kk' }, 'kk'],
    ['the next one, when the first is no name', { name: 'a\u0000b', preferred_username: 'kk' }, 'kk'],
    ['the next one, when the first is no text', { name: 7, preferred_username: 'kk' }, 'kk'],
    ['a name with an at sign that is no address', { name: '@kim' }, '@kim'],
    ['a name in NFC', { name: 'Jose\u0301' }, 'Jos\u00e9'],
  ])('is %s', (_, claims, name) => {
    expect(readShownName(claims, PATHS, SUBJECT)).toBe(name);
  });

  test.each([
    ['an e-mail address', 'kim@example.com'],
    ['an e-mail address among other words', 'Kim <kim@example.com>'],
    ['the subject', SUBJECT],
    ['the subject among other words', `user ${SUBJECT}`],
    ['an account id', '0f8fad5b-d9cb-469f-a165-70867728950e'],
    ['a telephone number', '+49 (170) 123-4567'],
    ['a Steam id', '76561197960287930'],
    ['33 characters', 'k'.repeat(33)],
  ])('is never %s', (_, name) => {
    expect(readShownName({ name }, PATHS, SUBJECT)).toBeUndefined();
  });

  test('may contain a short subject by chance, but not be it', () => {
    expect(readShownName({ name: 'Kim 7' }, PATHS, '7')).toBe('Kim 7');
    expect(readShownName({ name: 'kim' }, PATHS, 'kim')).toBeUndefined();
  });
});

describe('a claim by its path', () => {
  test('is found by its whole name first, and then step by step', () => {
    const claims = {
      'https://play.example/name': 'A',
      user_metadata: { full_name: 'B' },
      'a.b': 'C',
      a: { b: 'D' },
    };
    expect(claimAt(claims, 'https://play.example/name')).toBe('A');
    expect(claimAt(claims, 'user_metadata.full_name')).toBe('B');
    expect(claimAt(claims, 'a.b')).toBe('C');
  });

  test('is never something that every object has', () => {
    for (const path of ['constructor', 'a.constructor.name', '__proto__', 'toString', 'a.b.c']) {
      expect(claimAt({ a: { b: null } }, path)).toBeUndefined();
    }
  });
});
