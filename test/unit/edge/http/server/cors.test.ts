import { describe, expect, test } from 'vitest';
import { createCors } from '../../../../../edge/http/server/cors.ts';
import { parseOrigins } from '../../../../../services/shared/http/origins.ts';

const ORIGINS = 'https://play.example,https://*.preview.example,capacitor://localhost';
const cors = createCors(parseOrigins({ ALLOWED_ORIGINS: ORIGINS }, 8080), ['traceparent', 'x-vendor-trace']);

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
        ...['traceparent', 'x-vendor-trace'],
      ]),
    );
    expect(headers.get('Access-Control-Max-Age')).toBe('7200');
  });

  test.each([
    'http://localhost:8080',
    'https://pr-7.preview.example',
    'https://a.b.preview.example',
    'capacitor://localhost',
  ])('such as %s is named itself, not the entry that it matches', (origin) => {
    expect(new Map(cors.headers(origin)).get('Access-Control-Allow-Origin')).toBe(origin);
    expect(cors.preflight(origin)).toBeDefined();
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
  ['the domain of a wildcard', 'https://preview.example'],
  ['a name that ends like a wildcard', 'https://evil-preview.example'],
  ['a host that only mentions the domain', 'https://evil.test/.preview.example'],
])('a page with %s may neither read nor call', (_, origin) => {
  expect(cors.headers(origin)).toEqual([['Vary', 'Origin']]);
  expect(cors.preflight(origin)).toBeUndefined();
});
