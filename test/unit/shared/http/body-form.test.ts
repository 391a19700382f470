import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { JSON_TYPE, judgeBodyForm, unpackBody } from '../../../../services/shared/http/body-form.ts';
import { parseJsonObject } from '../../../../services/shared/http/json-body.ts';

const judge = (type: string, encoding = '') => judgeBodyForm(type, encoding, (known) => known === JSON_TYPE);
const refusal = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return error instanceof AppError ? error.reason : error;
  }
};

describe('a content type', () => {
  test.each([
    'application/json',
    'Application/JSON',
    'application/json;',
    'application/json ; ',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset=utf8',
    'application/json; Charset="utf-8"',
    'application/json; charset="UTF8";',
    'application/json; profile="a"; charset=utf-8',
  ])('%s is JSON', (type) => {
    expect(judge(type)).toEqual({ mediaType: JSON_TYPE, coding: 'identity' });
  });

  test.each([
    '',
    ';',
    'text/plain',
    'text/json',
    'application/jsonx',
    'application/json, text/plain',
    'application/json; charset=latin1',
    'application/json; charset=iso-8859-1; charset=utf-8',
    'application/json; charset=utf-16',
    'application/json; charset=',
    'application/json; charset',
    "application/json; charset='utf-8'",
    'application/json charset=utf-8',
    'application/json; charset=utf-8 x',
  ])('"%s" is refused', (type) => {
    expect(refusal(() => judge(type))).toBe('CONTENT_TYPE_UNSUPPORTED');
  });

  test('of any spelling is judged in little time', () => {
    const startMs = performance.now();
    for (const part of [' ', ';', '; ', '"', '="', 'a=']) {
      refusal(() => judge(`application/json;${part.repeat(8_000)}\u0001`));
    }
    expect(performance.now() - startMs).toBeLessThan(500);
  });
});

describe('a content encoding', () => {
  test.each([
    ['', 'identity'],
    ['identity', 'identity'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
  ])('"%s" is %s', (encoding, coding) => {
    expect(judge('application/json', encoding)).toEqual({ mediaType: JSON_TYPE, coding });
  });

  test.each(['br', 'deflate', 'zstd', 'gzip, gzip', 'gzip, br', 'toString', '__proto__'])(
    '%s is refused, with a message about it',
    (encoding) => {
      expect(refusal(() => judge('application/json', encoding))).toBe('CONTENT_TYPE_UNSUPPORTED');
      expect(() => judge('application/json', encoding)).toThrow('Content-Encoding');
    },
  );
});

describe('the bytes of a body', () => {
  const LIMIT = 4_096;

  test('come back as they were compressed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: LIMIT }), async (bytes) => {
        expect(await unpackBody(gzipSync(bytes), 'gzip', LIMIT)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 30 },
    );
  });

  test('are refused beyond the limit, and if they are damaged', async () => {
    const largest = gzipSync(Buffer.alloc(LIMIT));
    const tooLarge = gzipSync(Buffer.alloc(LIMIT + 1));
    const bomb = gzipSync(Buffer.alloc(16 * 1024 * 1024));
    expect(await unpackBody(largest, 'gzip', LIMIT)).toHaveLength(LIMIT);
    for (const bytes of [tooLarge, bomb]) {
      await expect(unpackBody(bytes, 'gzip', LIMIT)).rejects.toMatchObject({ reason: 'BODY_TOO_LARGE' });
    }
    for (const bytes of [Buffer.from('{}'), Buffer.alloc(0), largest.subarray(0, -4)]) {
      await expect(unpackBody(bytes, 'gzip', LIMIT)).rejects.toMatchObject({ reason: 'BODY_INVALID' });
    }
  });

  test('may begin with one byte order mark', () => {
    expect(parseJsonObject(Buffer.from('\ufeff{"a":1}'))).toEqual({ a: 1 });
    expect(refusal(() => parseJsonObject(Buffer.from('\ufeff\ufeff{}')))).toBe('BODY_INVALID');
    expect(refusal(() => parseJsonObject(Buffer.from('{}\ufeff')))).toBe('BODY_INVALID');
  });
});
