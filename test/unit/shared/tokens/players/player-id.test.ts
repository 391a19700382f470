import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  aliasOf,
  createUserIdOf,
  isSubject,
  subjectKeyOf,
} from '../../../../../services/shared/tokens/players/player-id.ts';
import { isUserId } from '../../../../../services/shared/values/identifiers.ts';
import { readUsername } from '../../../../../services/shared/values/username.ts';

const MASTER_KEY = Buffer.from('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'hex');
const idOf = (issuer: string, subject: string, key = MASTER_KEY) =>
  createUserIdOf(subjectKeyOf(key, issuer))(subject);

describe('the user id of an outside player', () => {
  test('is the same for ever: a change here makes strangers of all outside players', () => {
    expect(idOf('https://idp.example/', 'auth0|7')).toBe('u_zmhnyyrfq7r8yxfxmrp2z');
    expect(idOf('steam', '76561197960287930')).toBe('u_7n5srcxydz3h36d2hxr66');
    expect(idOf('steam', 'Jörg 🎮')).toBe('u_vgk38vqcqh7n8yfg6tkrf');
  });

  test('is a user id, and short, whatever the subject is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (issuer, subject) => {
        const id = idOf(issuer, subject);
        expect(isUserId(id)).toBe(true);
        expect(id).toMatch(/^u_[a-z0-9]{21}$/);
      }),
    );
  });

  test('differs for each subject, each issuer and each key', () => {
    const others = [idOf('b', 'alice'), idOf('a', 'alicf'), idOf('', 'aalice'), idOf('aalice', '')];
    const otherKey = idOf('a', 'alice', Buffer.alloc(32, 1));
    const ids = [idOf('a', 'alice'), ...others, otherKey];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('spreads evenly, so that ids do not meet', () => {
    const userIdOf = createUserIdOf(subjectKeyOf(MASTER_KEY, 'a'));
    const ids = Array.from({ length: 20_000 }, (_, index) => userIdOf(String(index)));
    expect(new Set(ids).size).toBe(20_000);
    for (const place of [2, 12, 22]) {
      expect(new Set(ids.map((id) => id[place])).size).toBe(28);
    }
  });
});

describe('the alias of an outside player', () => {
  test('is a name, made of the beginning of a derived user id', () => {
    const alias = aliasOf(idOf('a', 'alice')) ?? '';
    expect(alias).toMatch(/^Player [2-9B-DF-HJ-NP-TV-Z]{4}$/);
    expect(readUsername(alias)).toBe(alias);
    expect(alias.slice(7).toLowerCase()).toBe(idOf('a', 'alice').slice(2, 6));
  });

  test('is only for derived ids', () => {
    for (const id of ['alice', 'u_alice', 'u_', `${idOf('a', 'b')}2`, idOf('a', 'b').toUpperCase()]) {
      expect(aliasOf(id)).toBeUndefined();
    }
  });
});

test.each([
  ['', false],
  ['a', true],
  ['Jörg the first', true],
  ['x'.repeat(255), true],
  ['x'.repeat(256), false],
  ['\ud800', false],
  [7, false],
  [undefined, false],
])('%s is a subject: %s', (value, outcome) => {
  expect(isSubject(value)).toBe(outcome);
});
