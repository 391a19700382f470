import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertFraming, parseHostHeader } from '../../../../services/shared/http/request-head.ts';

const invalid = expect.objectContaining({ reason: 'REQUEST_INVALID' });

describe('the host of a request', () => {
  test.each([
    ...[
      '1.2.3.999',
      '[::::]',
      '[1:2]',
      'xn--a',
      'a.xn--a',
      '0x1ffffffff',
      'a.09',
      '1.2.3.4.5',
      '',
      ' ',
      'a b',
      'a, b',
    ],
    ...['x;y', 'x/', 'x?y', 'user@x', 'x:65536', 'x:y', 'x:1:2', '[::1', '::1', '\xff', '%41', "x'"],
  ])('is none in %j', (header) => {
    expect(() => parseHostHeader(header)).toThrow(invalid);
  });

  test('is none without the header', () => {
    expect(() => parseHostHeader(undefined)).toThrow(invalid);
  });

  test.each([
    ['play.example', 'play.example'],
    ['PLAY.example:8080', 'play.example'],
    ['localhost:', 'localhost'],
    ['a_service:1', 'a_service'],
    ['192.0.2.7:65535', '192.0.2.7'],
    ['0x7f.1', '127.0.0.1'],
    ['[2001:DB8::0001]:8080', '[2001:db8::1]'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ])('of %s is %s', (header, host) => {
    expect(parseHostHeader(header)).toBe(host);
  });

  test('is the one that URLs have, or none when they have none', () => {
    const label = fc.stringMatching(/^(?:xn--)?[a-zA-Z0-9_-]{1,8}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, fc.integer({ min: 0, max: 99_999 }), (host, port) => {
        const header = `${host}:${port}`;
        const expected = URL.parse(`http://${header}/`)?.hostname;
        if (expected === undefined) expect(() => parseHostHeader(header)).toThrow(invalid);
        else expect(parseHostHeader(header)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('where a body ends', () => {
  test.each([
    [{}],
    [{ 'content-length': '0' }],
    [{ 'content-length': '42' }],
    [{ 'transfer-encoding': 'chunked' }],
    [{ 'transfer-encoding': 'Chunked' }],
  ])('is certain with %j', (headers) => {
    expect(() => assertFraming(new Map(Object.entries(headers)))).not.toThrow();
  });

  test.each([
    [{ 'content-length': '' }],
    [{ 'content-length': '5, 5' }],
    [{ 'content-length': '5, 6' }],
    [{ 'content-length': '+5' }],
    [{ 'content-length': '0x5' }],
    [{ 'transfer-encoding': '' }],
    [{ 'transfer-encoding': 'xchunked' }],
    [{ 'transfer-encoding': 'gzip, chunked' }],
    [{ 'transfer-encoding': 'chunked, identity' }],
    [{ 'transfer-encoding': 'chunked', 'content-length': '5' }],
  ])('is uncertain with %j', (headers) => {
    expect(() => assertFraming(new Map(Object.entries<string>(headers)))).toThrow(invalid);
  });
});
