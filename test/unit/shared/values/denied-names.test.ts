import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseProfile } from '../../../../services/auth/tokens/issue-token.ts';
import { parseDeniedNames, readDeniedNames } from '../../../../services/shared/values/denied-names.ts';

const isDenied = parseDeniedNames('# reserved\n\nAdmin\nscore board\r\n*poo*\nStraße\nमहेश\n');

test.each([
  'admin',
  'ADMIN',
  'The Admin',
  'admin_7',
  'Ádmin',
  'ａｄｍｉｎ',
  'Ad-min',
  'a d m i n',
  'ScoreBoard',
  'STRASSE',
  'महेश',
])('a word denies %j, whatever its case, accents, width and punctuation', (name) => {
  expect(isDenied(name)).toBe(true);
});

test.each(['Badminton', 'Administrator', 'score', 'Ann', '🎮', 'महाशा'])(
  'a word does not deny %j',
  (name) => {
    expect(isDenied(name)).toBe(false);
  },
);

test.each(['Poodle', 'xPÖÖx', 'p.o.o'])('a word between asterisks denies %j, which contains it', (name) => {
  expect(isDenied(name)).toBe(true);
});

test('an entry without a letter or digit is an error, since it would deny every name', () => {
  expect(() => parseDeniedNames('*!*')).toThrow('an entry without a letter or digit');
});

test('the list is in the file that the setting names; without it no name is denied', () => {
  expect(readDeniedNames({})('admin')).toBe(false);
  const folder = mkdtempSync(join(tmpdir(), 'scoreboard-names-'));
  const path = join(folder, 'names.txt');
  writeFileSync(path, 'admin\n');
  expect(readDeniedNames({ NAMES_DENIED_FILE: path })('Admin')).toBe(true);
  rmSync(folder, { recursive: true });
  expect(() => readDeniedNames({ NAMES_DENIED_FILE: path })).toThrow('names.txt');
});

test('no token is issued for a denied name, and the answer says so', () => {
  expect(() => parseProfile({ userId: 'u', username: 'Admin' }, isDenied)).toThrow(
    expect.objectContaining({ reason: 'USERNAME_DENIED' }),
  );
  expect(parseProfile({ userId: 'u', username: 'Jose\u0301' }, isDenied).username).toBe('José');
  expect(parseProfile({ userId: 'admin', username: '' }, isDenied).username).toBe('admin');
});
