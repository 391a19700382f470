import { describe, expect, test } from 'vitest';
import { parseOrigins } from '../../../../services/shared/http/origins.ts';

const EDGE_PORT = 8080;

describe('without a list', () => {
  const origins = parseOrigins({}, EDGE_PORT);

  test.each([
    ['http://localhost:8080', 'localhost:8081'],
    ['http://127.0.0.1:8080', '127.0.0.1:8081'],
    ['http://192.168.1.5:8080', '192.168.1.5:8081'],
    ['http://192.168.1.5:8080', '192.168.1.5'],
    ['http://[2001:db8::5]:8080', '[2001:db8::5]:8081'],
    ['http://[2001:db8::5]:8080', '[2001:0db8:0::0005]:8081'],
  ])('a page at %s may call %s', (origin, host) => {
    expect(origins.allows(origin, host)).toBe(true);
  });

  test.each([
    ['at another address', 'http://192.168.1.6:8080', '192.168.1.5:8081'],
    ['at another port of the address', 'http://192.168.1.5:3000', '192.168.1.5:8081'],
    ['at the default port of the address', 'http://192.168.1.5', '192.168.1.5:8081'],
    ['of another scheme', 'https://192.168.1.5:8080', '192.168.1.5:8081'],
    ['at a name that points here by now', 'http://evil.test:8080', 'evil.test:8081'],
    ['at a name made of an address', 'http://192.168.1.5.evil.test:8080', '192.168.1.5:8081'],
    ['at a name that calls the address', 'http://evil.test:8080', '192.168.1.5:8081'],
    ['without an origin', 'null', '192.168.1.5:8081'],
    ['with an address in another spelling', 'http://3232235781:8080', '192.168.1.5:8081'],
    ['with a user', 'http://192.168.1.5:8080@evil.test', '192.168.1.5:8081'],
    ['with a path', 'http://192.168.1.5:8080/', '192.168.1.5:8081'],
    ['that names no host', 'http://192.168.1.5:8080', ''],
    ['that names something else as the host', 'http://192.168.1.5:8080', '1.2.3.999'],
    ['of nothing', '', ''],
  ])('a page %s may not call', (_, origin, host) => {
    expect(origins.allows(origin, host)).toBe(false);
  });

  test("the default port of the web is the edge's where that is its port", () => {
    expect(parseOrigins({}, 80).allows('http://192.168.1.5', '192.168.1.5:8081')).toBe(true);
  });
});

describe('with a list', () => {
  test('only its pages may call, whatever host they call', () => {
    const origins = parseOrigins({ ALLOWED_ORIGINS: 'https://a.example, https://b.example:8443' }, EDGE_PORT);
    expect(origins.listed).toEqual(['https://a.example', 'https://b.example:8443']);
    expect(origins.allows('https://a.example', 'live.example')).toBe(true);
    expect(origins.allows('https://b.example', 'live.example')).toBe(false);
    expect(origins.allows('http://192.168.1.5:8080', '192.168.1.5:8081')).toBe(false);
  });

  test('of nothing no page may call', () => {
    const origins = parseOrigins({ ALLOWED_ORIGINS: '-' }, EDGE_PORT);
    expect(origins.listed).toEqual([]);
    expect(origins.allows('http://127.0.0.1:8080', '127.0.0.1:8081')).toBe(false);
  });

  test.each(['https://a.example/', 'https://a.example:443', 'a.example', 'null', '*', 'HTTPS://a.example'])(
    'an entry such as %s is refused by the name of the setting',
    (entry) => {
      expect(() => parseOrigins({ ALLOWED_ORIGINS: entry }, EDGE_PORT)).toThrow('ALLOWED_ORIGINS');
    },
  );
});
