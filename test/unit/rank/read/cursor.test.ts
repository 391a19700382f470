/** Cursors: each place has one spelling, and any other text is refused. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCursor, parseCursor } from '../../../../services/rank/read/cursor.ts';

const MAX = 2n ** 53n - 1n;
const key = fc.record({
  points: fc.bigInt(-MAX, MAX),
  reached: fc.bigInt(0n, MAX),
  userId: fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 128,
  }),
});
const refused = (board: string, text: string) =>
  expect(() => parseCursor(board, text)).toThrow(expect.objectContaining({ reason: 'CURSOR_INVALID' }));

describe('a cursor', () => {
  it('is read as the place that it was written for, on its own board alone', () => {
    fc.assert(
      fc.property(key, (place) => {
        const text = formatCursor('laps', place);
        expect(text).toMatch(/^[\w-]+$/);
        expect(parseCursor('laps', text)).toEqual(place);
        refused('lap', text);
      }),
    );
  });

  it('has room for every field at its limit', () => {
    const place = { points: -MAX, reached: MAX, userId: 'u'.repeat(128) };
    const board = 'b'.repeat(64);
    expect(parseCursor(board, formatCursor(board, place))).toEqual(place);
  });

  it('is refused if it is anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        refused('laps', text);
      }),
    );
    const spelled = (place: string) =>
      Buffer.from(`${crc32(place).toString(16).padStart(8, '0')} ${place}`).toString('base64url');
    for (const place of [
      'laps 1 1 ',
      'laps 01 1 a',
      'laps -0 1 a',
      'laps 1 9007199254740992 a',
      'laps 9007199254740992 1 a',
      'laps 1 -1 a',
      'laps 1 1 a b',
      'laps 1 1 é',
      `laps 1 1 ${'a'.repeat(129)}`,
    ]) {
      refused('laps', spelled(place));
    }
    expect(parseCursor('laps', spelled('laps 1 1 a')).userId).toBe('a');
    refused('laps', `${spelled('laps 1 1 a')}=`);
    refused('laps', `${spelled('laps 1 1 a')}\n`);
  });

  it('is refused if one of its characters is another one, or missing', () => {
    const text = formatCursor('laps', { points: 12n, reached: 345n, userId: 'ada' });
    for (const at of text.split('').keys()) {
      refused('laps', text.slice(0, at));
      refused('laps', `${text.slice(0, at)}${text.slice(at + 1)}`);
      refused('laps', `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`);
    }
  });
});
