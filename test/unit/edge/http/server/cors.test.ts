import { describe, expect, test } from 'vitest';
import { createCors } from '../../../../../edge/http/server/cors.ts';

const cors = createCors(['https://play.example', 'http://localhost:8080']);

describe('a page that is on the list', () => {
  test('may read answers, and is named exactly', () => {
    const headers = new Headers(cors.headers('https://play.example').map(([name, value]) => [name, value]));
    expect(headers.get('access-control-allow-origin')).toBe('https://play.example');
    expect(headers.get('vary')).toBe('Origin');
    expect(headers.get('access-control-expose-headers')).toContain('Idempotent-Replayed');
    expect(headers.has('access-control-allow-credentials')).toBe(false);
  });

  test('may send what our clients send', () => {
    const headers = new Map(cors.preflight('http://localhost:8080'));
    const allowed = headers.get('Access-Control-Allow-Headers')?.toLowerCase().split(', ');
    expect(allowed).toEqual(
      expect.arrayContaining([
        ...['authorization', 'content-type', 'connect-protocol-version', 'connect-timeout-ms'],
        ...['x-request-id', 'x-grpc-web', 'x-user-agent', 'grpc-timeout'],
      ]),
    );
  });
});

test.each([
  ['another scheme', 'http://play.example'],
  ['another port', 'https://play.example:8443'],
  ['a longer name', 'https://play.example.evil.test'],
  ['a name that ends alike', 'https://evil-play.example'],
  ['a subdomain', 'https://www.play.example'],
  ['other case', 'https://PLAY.example'],
  ['a trailing slash', 'https://play.example/'],
  ['no origin at all', 'null'],
  ['a wildcard', '*'],
])('a page with %s may neither read nor call', (_, origin) => {
  expect(cors.headers(origin)).toEqual([['Vary', 'Origin']]);
  expect(cors.preflight(origin)).toBeUndefined();
});
