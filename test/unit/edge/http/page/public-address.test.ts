import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publicAddressOf } from '../../../../../edge/http/page/public-address.ts';
import { parsePublicUrl, urlsOf } from '../../../../../edge/http/page/public-nodes.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import type { Hop } from '../../../../../services/shared/net/forwarded-hops.ts';

type Headers = Readonly<Record<string, string>>;

const HOP: Hop = { address: '192.0.2.1' };
const address = (headers: Headers, hop: Hop | undefined = HOP) =>
  publicAddressOf({ header: (name) => ({ host: '127.0.0.1:8080', ...headers })[name] ?? '', hop });
const PORTS = { fanoutUrl: undefined, fanoutPort: 8081, gameUrl: undefined, gamePort: 8082 };
const PATHS = { ...PORTS, fanoutUrl: '/live', gameUrl: '/game' };
const PROXIED = {
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'play.example',
  'x-forwarded-prefix': '/board/',
};

describe('the addresses that the page is told', () => {
  test.each<[string, Headers, string, string]>([
    ['nothing', {}, 'ws://127.0.0.1:8081/live', 'http://127.0.0.1:8082'],
    ['https', { 'x-forwarded-proto': 'HTTPS' }, 'wss://127.0.0.1:8081/live', 'https://127.0.0.1:8082'],
    ['all', PROXIED, 'wss://play.example:8081/live', 'https://play.example:8082'],
    [
      'IPv6',
      { 'x-forwarded-host': '[2001:DB8::1]:80' },
      'ws://[2001:db8::1]:8081/live',
      'http://[2001:db8::1]:8082',
    ],
  ])('by default have the ports of the nodes; the proxy told %s', (_, headers, fanoutUrl, gameUrl) => {
    expect(urlsOf(PORTS, address(headers))).toEqual({ fanoutUrl, gameUrl });
  });

  test.each<[string, Headers, string, string]>([
    ['all', PROXIED, 'wss://play.example/board/live', 'https://play.example/board/game'],
    [
      'no prefix',
      { 'x-forwarded-host': 'play.example:8443' },
      'ws://play.example:8443/live',
      'http://play.example:8443/game',
    ],
    [
      'several hosts',
      { 'x-forwarded-host': 'a.example, b.example' },
      'ws://a.example/live',
      'http://a.example/game',
    ],
    ['no host: they count from the page', { 'x-forwarded-proto': 'https' }, 'live', 'game'],
  ])('may be paths below that of the page; the proxy told %s', (_, headers, fanoutUrl, gameUrl) => {
    expect(urlsOf(PATHS, address(headers))).toEqual({ fanoutUrl, gameUrl });
  });

  test('may come from Forwarded', () => {
    const hop = { ...HOP, proto: 'https', host: 'play.example:8443' };
    expect(urlsOf(PATHS, address({}, hop)).fanoutUrl).toBe('wss://play.example:8443/live');
  });

  test('are those of the request if no trusted proxy passed it on', () => {
    expect(
      publicAddressOf({
        header: (name) => ({ ...PROXIED, host: 'a.example:80' })[name] ?? '',
        hop: undefined,
      }),
    ).toEqual({ scheme: 'http', hostname: 'a.example', host: 'a.example:80', prefix: '', isHostTold: false });
  });
});

describe('a header of a proxy', () => {
  test.each<[string, string]>([
    ['x-forwarded-proto', 'javascript'],
    ['x-forwarded-proto', 'https;'],
    ['x-forwarded-host', 'play.example; script-src *'],
    ['x-forwarded-host', 'play.example/path'],
    ['x-forwarded-host', 'user@play.example'],
    ['x-forwarded-host', '"play.example"'],
    ['x-forwarded-host', 'play.example:99999'],
    ['x-forwarded-prefix', 'board'],
    ['x-forwarded-prefix', '//evil.example'],
    ['x-forwarded-prefix', '/..'],
    ['x-forwarded-prefix', '/a/./b'],
    ['x-forwarded-prefix', '/a;b'],
    ['x-forwarded-prefix', '/a b'],
    ['x-forwarded-prefix', '/a"'],
    ['x-forwarded-prefix', '/%2e%2e'],
    ['x-forwarded-prefix', `/${'a'.repeat(300)}`],
  ])('%s: %s is refused, and the message names it', (name, value) => {
    expect(() => address({ [name]: value })).toThrow(AppError);
    expect(() => address({ [name]: value })).toThrow(new RegExp(`The proxy's ${name} is not`, 'i'));
  });

  test('never puts anything into an address but its host and path', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({
        unit: fc.constantFrom('a', '.', '/', ':', ';', ' ', '"', "'", '@', '?', '#', '8', '[', ']', '\n'),
      }),
      fc.webAuthority(),
      fc.webPath(),
    );
    fc.assert(
      fc.property(text, text, text, (proto, host, prefix) => {
        const headers = {
          'x-forwarded-proto': proto,
          'x-forwarded-host': host,
          'x-forwarded-prefix': prefix,
        };
        let urls: ReturnType<typeof urlsOf>;
        try {
          urls = urlsOf(PATHS, address(headers));
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
          return;
        }
        if (urls.fanoutUrl === 'live') return;
        expect(urls.fanoutUrl).toMatch(
          /^wss?:\/\/(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/[\w.~-]+)*\/live$/,
        );
        expect(urls.gameUrl).toMatch(
          /^https?:\/\/(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/[\w.~-]+)*\/game$/,
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('the public URL of a node', () => {
  const parse = (value: string) =>
    parsePublicUrl({ FANOUT_PUBLIC_URL: value }, 'FANOUT_PUBLIC_URL', ['ws:', 'wss:']);

  test.each(['/live', '/a/b.c/live', 'wss://live.example/live'])('may be %s', (value) => {
    expect(parse(value)).toBe(value);
  });

  test.each(['live', '/', '//live', '/live/', '/../live', '/a b', '/live?x=1', 'https://a.example'])(
    'is not %s',
    (value) => {
      expect(() => parse(value)).toThrow(
        /^FANOUT_PUBLIC_URL must be a URL such as ws:\/\/host or wss:\/\/host, or a path/,
      );
    },
  );
});
