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
  test('its pages may call, whatever host they call', () => {
    const origins = parseOrigins({ ALLOWED_ORIGINS: 'https://a.example, https://b.example:8443' }, EDGE_PORT);
    expect(origins.listed).toEqual(expect.arrayContaining(['https://a.example', 'https://b.example:8443']));
    expect(origins.allows('https://a.example', 'live.example')).toBe(true);
    expect(origins.allows('https://b.example', 'live.example')).toBe(false);
  });

  test('our own page may call as before', () => {
    const origins = parseOrigins({ ALLOWED_ORIGINS: 'https://a.example' }, EDGE_PORT);
    expect(origins.allows('http://localhost:8080', 'localhost:8081')).toBe(true);
    expect(origins.allows('http://192.168.1.5:8080', '192.168.1.5:8081')).toBe(true);
    expect(origins.allows('http://192.168.1.6:8080', '192.168.1.5:8081')).toBe(false);
  });

  test('of nothing no page may call', () => {
    const origins = parseOrigins({ ALLOWED_ORIGINS: '-' }, EDGE_PORT);
    expect(origins.listed).toEqual([]);
    expect(origins.allows('http://127.0.0.1:8080', '127.0.0.1:8081')).toBe(false);
    expect(origins.allows('http://192.168.1.5:8080', '192.168.1.5:8081')).toBe(false);
  });

  test.each([
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'http://tauri.localhost',
    'https://localhost',
    'app://bundle',
    'chrome-extension://abcdefghijklmnop',
    'http://[2001:db8::1]:8080',
    'https://xn--bcher-kva.example',
  ])('a page at %s may call, and none that resembles it', (origin) => {
    const origins = parseOrigins({ ALLOWED_ORIGINS: origin }, EDGE_PORT);
    expect(origins.allows(origin, 'live.example')).toBe(true);
    for (const other of ['null', '', `${origin}.evil.test`, `${origin}/`, origin.toUpperCase()]) {
      expect(origins.allows(other, 'live.example'), other).toBe(false);
    }
  });

  test.each([
    ['https://*.play.example', 'https://pr-7.play.example', true],
    ['https://*.play.example', 'https://a.b.play.example', true],
    ['https://*.play.example:8443', 'https://a.play.example:8443', true],
    ['http://*.localhost:5173', 'http://acme.localhost:5173', true],
    ['https://*.play.example', 'https://play.example', false],
    ['https://*.play.example', 'http://a.play.example', false],
    ['https://*.play.example', 'https://a.play.example:8443', false],
    ['https://*.play.example', 'https://evil-play.example', false],
    ['https://*.play.example', 'https://a.play.example.evil.test', false],
    ['https://*.play.example', 'https://evil.test/.play.example', false],
    ['https://*.play.example', 'https://evil.test:1@a.play.example', false],
    ['https://*.play.example', 'https://.play.example', false],
    ['https://*.play.example', 'https://-*.play.example', false],
    ['https://*.play.example', 'null', false],
  ])('%s: a page at %s may call: %s', (entry, origin, expected) => {
    expect(parseOrigins({ ALLOWED_ORIGINS: entry }, EDGE_PORT).allows(origin, 'live.example')).toBe(expected);
  });

  test.each([
    ['https://a.example/', 'browsers write "https://a.example"'],
    ['https://a.example:443', 'browsers write "https://a.example"'],
    ['http://localhost:80', 'browsers write "http://localhost"'],
    ['HTTPS://a.example', 'browsers write "https://a.example"'],
    ['https://A.example', 'browsers write "https://a.example"'],
    ['https://b\u00fccher.example', 'browsers write "https://xn--bcher-kva.example"'],
    ['https://*.Play.example/', 'browsers write "https://*.play.example"'],
    ['Capacitor://localhost/', 'browsers write "capacitor://localhost"'],
    ['capacitor://localhost:99999', 'an origin is only a scheme, a host and a port'],
    ['capacitor://localhost:080', 'an origin is only a scheme, a host and a port'],
    ['https://a.example/play', 'only a scheme, a host and a port'],
    ['https://a.example?x', 'only a scheme, a host and a port'],
    ['https://user@a.example', 'only a scheme, a host and a port'],
    ['a.example', 'only a scheme, a host and a port'],
    ['localhost:3000', 'only a scheme, a host and a port'],
    ['wss://a.example', 'only a scheme, a host and a port'],
    ['file://', 'only a scheme, a host and a port'],
    ['https://a.example:99999', 'only a scheme, a host and a port'],
    ['null', 'can not be told apart'],
    ['*', 'every page'],
    ['https://*', 'stands only for the first labels'],
    ['https://*.com', 'stands only for the first labels'],
    ['https://a.*.example', 'stands only for the first labels'],
    ['https://*a.play.example', 'stands only for the first labels'],
    ['*.play.example', 'stands only for the first labels'],
    ['http://localhost:*', 'stands only for the first labels'],
  ])('an entry such as %s, which never matches, is refused: %s', (entry, reason) => {
    const start = () => parseOrigins({ ALLOWED_ORIGINS: `https://b.example,${entry}` }, EDGE_PORT);
    expect(start).toThrow(`ALLOWED_ORIGINS has the entry "${entry}": `);
    expect(start).toThrow(reason);
  });
});
