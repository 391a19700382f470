/** The page and the client modules, as the edge serves them. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../../../support/clients/edge-client.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
beforeAll(async () => {
  world = await startEdgeWorld({ env: { FANOUT_PORT: '9001', GAME_PORT: '9002' } });
});
afterAll(() => world.stop());

const get = (path: string, headers: Record<string, string> = {}) => ask(`${world.base}${path}`, { headers });
const WEB = new URL('../../../../edge/web/', import.meta.url);
const files = readdirSync(WEB, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(WEB.pathname.length));

describe('the page', () => {
  test('is at the root, with a policy that allows only what it needs', async () => {
    const { status, headers, text } = await get('/');
    expect(status).toBe(200);
    expect(text).toMatch(/^<!doctype html>/i);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const policy = new Map(
      (headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
        const [name = '', ...values] = directive.split(' ');
        return [name, values];
      }),
    );
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('script-src')).toEqual(["'self'"]);
    expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
    expect(policy.get('connect-src')).toEqual(["'self'", 'ws://127.0.0.1:9001', 'http://127.0.0.1:9002']);
  });

  test('refers only to files that are served', async () => {
    const { text } = await get('/');
    const references = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path = '']) => path);
    expect(references).toContainEqual(expect.stringMatching(/^page\/page\.js\?v=[\w-]{12}$/));
    for (const path of references) expect((await get(`/${path}`)).status, path).toBe(200);
    // Relative, so that a proxy can serve the page under any path.
    expect(references.filter((path) => /^(?:\/|\w+:)/.test(path))).toEqual([]);
  });

  test('gets the addresses of the other nodes at the host of the request', async () => {
    expect((await get('/config.json')).body).toEqual({
      fanoutUrl: 'ws://127.0.0.1:9001/live',
      gameUrl: 'http://127.0.0.1:9002',
    });
    const other = await ask(`${world.base.replace('127.0.0.1', 'localhost')}/config.json`);
    expect(other.body.fanoutUrl).toBe('ws://localhost:9001/live');
  });

  test('is told if the other nodes would refuse its origin', async () => {
    const ask = async (origin: string) =>
      (await get(`/config.json?origin=${encodeURIComponent(origin)}`)).body.allowed;
    expect(await ask('https://play.example')).toBeUndefined();
    expect(await ask('http://laptop.local:8080')).toBe(false);
  });

  test('gets the public addresses if they are configured', async () => {
    const second = await world.startNode({
      FANOUT_PUBLIC_URL: 'wss://live.example/live',
      GAME_PUBLIC_URL: 'https://game.example',
    });
    try {
      expect((await ask(`${second.base}/config.json`)).body).toEqual({
        fanoutUrl: 'wss://live.example/live',
        gameUrl: 'https://game.example',
      });
      const { headers } = await ask(second.base);
      expect(headers.get('content-security-policy')).toContain(
        "connect-src 'self' wss://live.example https://game.example;",
      );
    } finally {
      await second.stop();
    }
  });
});

describe('behind a proxy that reports the address of the page', () => {
  const REPORTED = {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'play.example',
    'x-forwarded-prefix': '/board',
  };
  let trusting: Awaited<ReturnType<EdgeWorld['startNode']>>;
  beforeAll(async () => {
    const paths = { FANOUT_PUBLIC_URL: '/live', GAME_PUBLIC_URL: '/game' };
    trusting = await world.startNode({ TRUSTED_PROXIES: '127.0.0.1', ...paths });
  });
  afterAll(() => trusting.stop());
  const getBehind = (path: string, headers: Record<string, string>) =>
    ask(`${trusting.base}${path}`, { headers });

  test('the page gets the addresses of the other nodes below its own', async () => {
    expect((await getBehind('/config.json', REPORTED)).body).toEqual({
      fanoutUrl: 'wss://play.example/board/live',
      gameUrl: 'https://play.example/board/game',
    });
    const { headers } = await getBehind('/', REPORTED);
    expect(headers.get('content-security-policy')).toContain(
      "connect-src 'self' wss://play.example https://play.example;",
    );
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect(
      (await getBehind('/config.json', { forwarded: 'for=192.0.2.1;proto=https;host=a.example' })).body,
    ).toEqual({ fanoutUrl: 'wss://a.example/live', gameUrl: 'https://a.example/game' });
  });

  test('values that would break out of the policy or the JSON are refused', async () => {
    for (const [name, value] of [
      ['x-forwarded-host', "play.example; script-src 'unsafe-inline'"],
      ['x-forwarded-host', 'play.example","x":"'],
      ['x-forwarded-proto', 'javascript'],
      ['x-forwarded-prefix', '/a;b'],
    ] as const) {
      for (const path of ['/', '/config.json']) {
        const answer = await getBehind(path, { [name]: value });
        expect(answer).toMatchObject({ status: 400, body: { reason: 'REQUEST_INVALID' } });
        expect(answer.headers.has('content-security-policy')).toBe(false);
      }
    }
  });

  test('a client that is no trusted proxy is not believed', async () => {
    expect((await get('/config.json', REPORTED)).body.fanoutUrl).toBe('ws://127.0.0.1:9001/live');
  });
});

describe('the client modules', () => {
  const modules = files
    .filter((name) => name.endsWith('.ts') && !name.startsWith('types/'))
    .map((name) => `/${name.replace(/\.ts$/, '.js')}`);

  test.each(modules)('%s is JavaScript that any site may import', async (path) => {
    const { status, headers, text } = await get(path, { origin: 'https://elsewhere.example' });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(text).not.toMatch(/^(import type|interface |export interface )/m);
  });

  test('an allowed origin gets one Access-Control-Allow-Origin, not two', async () => {
    const { headers } = await get('/live-scoreboard.js', { origin: 'https://play.example' });
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  test('import only what is served', async () => {
    const imported: string[] = [];
    for (const path of modules) {
      const { text } = await get(path);
      for (const [, from = ''] of text.matchAll(/from '(\.[^'?]+)\?v=[\w-]{12}'/g))
        imported.push(join(dirname(path), from));
    }
    expect(imported.length).toBeGreaterThan(modules.length / 2);
    expect(modules).toEqual(expect.arrayContaining([...new Set(imported)]));
  });

  test('may be kept at an address with their version, and not at one with another version', async () => {
    const { text, headers } = await get('/live-scoreboard.js');
    expect(headers.get('cache-control')).toBe('no-cache');
    const [address = ''] = text.match(/element\/[^']+/) ?? [];
    const cached = async (path: string) => (await get(path)).headers.get('cache-control');
    expect(await cached(`/${address}`)).toBe('public, max-age=31536000, immutable');
    expect(await cached(`/${address.replace(/v=.*/, 'v=other')}`)).toBe('no-cache');
  });

  test('are compressed for those who accept it', async () => {
    const plain = await get('/element/live-scoreboard.js', { 'accept-encoding': 'identity' });
    const gzipped = await get('/element/live-scoreboard.js', { 'accept-encoding': 'br, gzip;q=0.5' });
    const refused = await get('/element/live-scoreboard.js', { 'accept-encoding': 'gzip;q=0' });
    const encodings = [plain, gzipped, refused].map(({ headers }) => headers.get('content-encoding'));
    expect(encodings).toEqual([null, 'gzip', null]);
    expect(gzipped.text).toBe(plain.text);
    expect(gzipped.headers.get('vary')).toContain('Accept-Encoding');
    expect(Number(gzipped.headers.get('content-length'))).toBeLessThan(plain.text.length / 2);
  });

  test.each(['/live-scoreboard.d.ts', '/scoreboard-client.d.ts'])('have their types at %s', async (path) => {
    const { status, headers, text } = await get(path, { origin: 'https://elsewhere.example' });
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(text).toMatch(/^export (interface|declare)/m);
  });

  test('have their documented addresses', () => {
    expect(modules).toEqual(expect.arrayContaining(['/live-scoreboard.js', '/scoreboard-client.js']));
  });
});

test('no other file of the folder is served', async () => {
  const served = /\.(html|css|svg|ts)$/;
  for (const name of files.filter((file) => !served.test(file) || file.endsWith('.ts'))) {
    expect((await get(`/${name}`)).status, name).toBe(404);
  }
});

/** One in 64 of these answers has the whole file, to detect clients that read nothing. */
async function getAgain(path: string, etag: string) {
  for (let tries = 0; ; tries += 1) {
    const answer = await get(path, { 'if-none-match': etag });
    if (answer.status !== 200 || tries === 10) return answer;
  }
}

test('a cached file is not sent again', async () => {
  for (const path of ['/', '/page/style.css', '/page/page.js']) {
    const etag = ((await get(path)).headers.get('etag') ?? '').replace(/^W\//, '');
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await getAgain(path, known);
      expect([again.status, again.text]).toEqual([304, '']);
    }
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
  }
});
