/** The page and the client modules, as the edge serves them. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../../../support/edge-client.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/edge-world.ts';

let world: EdgeWorld;
beforeAll(async () => {
  world = await startEdgeWorld({ env: { FANOUT_PORT: '9001', GAME_PORT: '9002' } });
});
afterAll(() => world.stop());

const get = (path: string, headers: Record<string, string> = {}) => ask(`${world.base}${path}`, { headers });
const files = readdirSync(new URL('../../../../edge/web/', import.meta.url));

describe('the page', () => {
  test('is at the root, and allows itself only what it needs', async () => {
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

  test('finds everything that it refers to', async () => {
    const { text } = await get('/');
    const references = [...text.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path = '']) => path);
    expect(references).toContain('/page.js');
    for (const path of references) expect((await get(path)).status, path).toBe(200);
  });

  test('is told where the other nodes are: at the host that it was asked from', async () => {
    expect((await get('/config.json')).body).toEqual({
      fanoutUrl: 'ws://127.0.0.1:9001/live',
      gameUrl: 'http://127.0.0.1:9002',
    });
    const other = await ask(`${world.base.replace('127.0.0.1', 'localhost')}/config.json`);
    expect(other.body.fanoutUrl).toBe('ws://localhost:9001/live');
  });

  test('is told when the other nodes would refuse it where it was opened', async () => {
    const ask = async (origin: string) =>
      (await get(`/config.json?origin=${encodeURIComponent(origin)}`)).body.allowed;
    expect(await ask('https://play.example')).toBeUndefined();
    expect(await ask('http://laptop.local:8080')).toBe(false);
  });

  test('is told the public addresses when there are some', async () => {
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

describe('the client modules', () => {
  const modules = files
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `/${name.replace(/\.ts$/, '.js')}`);

  test.each(modules)('%s is JavaScript that any site may import', async (path) => {
    const { status, headers, text } = await get(path, { origin: 'https://elsewhere.example' });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(text).not.toMatch(/^(import type|interface |export interface )/m);
  });

  test('also a site that may call gets one answer about itself, not two', async () => {
    const { headers } = await get('/live-scoreboard.js', { origin: 'https://play.example' });
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  test('import only what is served', async () => {
    for (const path of modules) {
      const { text } = await get(path);
      for (const [, from = ''] of text.matchAll(/from '\.\/([^']+)'/g)) expect(modules).toContain(`/${from}`);
    }
  });
});

test('nothing else of the folder is served', async () => {
  const served = /\.(html|css|svg|ts)$/;
  for (const name of files.filter((file) => !served.test(file) || file.endsWith('.ts'))) {
    expect((await get(`/${name}`)).status, name).toBe(404);
  }
});

/** One such answer in 64 has the whole file, so that a client that reads nothing is found out. */
async function getAgain(path: string, etag: string) {
  for (let tries = 0; ; tries += 1) {
    const answer = await get(path, { 'if-none-match': etag });
    if (answer.status !== 200 || tries === 10) return answer;
  }
}

test('a file that is known already is not sent again', async () => {
  for (const path of ['/', '/style.css', '/page.js']) {
    const etag = (await get(path)).headers.get('etag') ?? '';
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await getAgain(path, known);
      expect([again.status, again.text]).toEqual([304, '']);
    }
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
  }
});
