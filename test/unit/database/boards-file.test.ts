import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseBoards, readBoardsFile } from '../../../services/database/boards-file.ts';

const laps = { name: 'laps', operator: 'best', order: 'ascending', decimals: 3, unit: 's' };

it('is read with its settings, and defaults for those that are missing', () => {
  expect(parseBoards(JSON.stringify({ boards: [laps, { name: 'points' }] }))).toEqual([
    laps,
    { name: 'points', operator: 'sum', order: 'descending', decimals: 0, unit: '' },
  ]);
  expect(parseBoards('{"boards":[]}')).toEqual([]);
});

it.each([
  ['[]', 'it must be an object with the list "boards"'],
  ['{"boards":{}}', 'it must be an object with the list "boards"'],
  ['{"boards":["laps"]}', 'entry 1 must be an object'],
  ['{"boards":[{}]}', 'entry 1 needs a name'],
  ['{"boards":[{"name":"a b"}]}', 'The leaderboard id does not match'],
  ['{"boards":[{"name":"a","operater":"best"}]}', 'entry 1 has an unknown field "operater"'],
  ['{"boards":[{"name":"a","operator":"most"}]}', 'The operator is one of: sum, best, last.'],
  ['{"boards":[{"name":"a","order":1}]}', 'The order is one of: descending, ascending.'],
  ['{"boards":[{"name":"a","decimals":"3"}]}', 'Decimals are a whole number from 0 to 6.'],
  ['{"boards":[{"name":"a","unit":"a\\nb"}]}', 'A unit has at most 16 visible characters.'],
  ['{"boards":[{"name":"a"},{"name":"a"}]}', 'the board a is declared twice'],
])('%s is refused: %s', (text, message) => {
  expect(() => parseBoards(text)).toThrow(message);
});

it('is named in the error with its setting', () => {
  const dir = mkdtempSync(join(tmpdir(), 'scoreboard-boards-'));
  const path = join(dir, 'boards.json');
  writeFileSync(path, '{');
  expect(() => readBoardsFile(path)).toThrow(`BOARDS_FILE ${path}: `);
  expect(() => readBoardsFile(join(dir, 'none.json'))).toThrow('none.json: ENOENT');
  rmSync(dir, { recursive: true });
});
