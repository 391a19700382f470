/** What surrounds the contract: health, keys, unknown routes and methods, request ids, and pages of other sites. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reason } from '../../../../services/shared/errors/app-error.ts';
import { ask, bearer, submit } from '../../../support/clients/edge-client.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let alice: string;

beforeAll(async () => {
  world = await startEdgeWorld();
  alice = await world.token('alice', { name: 'Alice' });
});
afterAll(() => world.stop());

const get = (path: string, headers: Record<string, string> = {}) => ask(`${world.base}${path}`, { headers });
const expectRefusal = (answer: Awaited<ReturnType<typeof ask>>, status: number, reason: Reason) => {
  expect(answer).toMatchObject({ status, body: { reason } });
  expect(Object.keys(answer.body)).toEqual(['code', 'reason', 'message']);
  expect(answer.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
};

describe('around the contract', () => {
  test('the public keys are published for pages of all origins', async () => {
    const answer = await get('/.well-known/jwks.json', { origin: 'https://elsewhere.example' });
    expect(answer.body.keys).toMatchObject([{ kid: 'k1', alg: 'ES256' }]);
    expect(answer.body.keys[0]).not.toHaveProperty('d');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });

  test('health and readiness are reported', async () => {
    expect((await get('/healthz')).body).toEqual({ status: 'ok' });
    expect((await get('/readyz')).body).toEqual({
      status: 'ready',
      checks: { serving: true, keys: true, upstream: true },
    });
  });

  test('an unknown path is refused in the one error shape', async () => {
    for (const path of [
      '/nothing',
      '/api/v1/score',
      '/healthz/',
      '/index.html',
      '/tsconfig.json',
      '/../config.ts',
    ]) {
      expectRefusal(await get(path), 404, 'ROUTE_NOT_FOUND');
    }
  });

  test.each([
    ['DELETE', '/api/v1/scoreboard/top', 'GET, HEAD, OPTIONS'],
    ['GET', '/api/v1/score/update', 'POST, OPTIONS'],
    ['PUT', '/api/v1/score/update', 'POST, OPTIONS'],
    ['HEAD', '/api/v1/score/update', 'POST, OPTIONS'],
    ['PATCH', '/scoreboard.edge.v1.ScoreboardService/GetTop', 'POST, GET, HEAD, OPTIONS'],
    ['GET', '/scoreboard.edge.v1.ScoreboardService/SubmitScore', 'POST, OPTIONS'],
    ['constructor', '/healthz', 'GET, HEAD, OPTIONS'],
  ])('%s %s is refused with the allowed methods', async (method, path, allow) => {
    const answer = await ask(`${world.base}${path}`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allow);
    if (method !== 'HEAD') expect(answer.body.reason).toBe('METHOD_NOT_ALLOWED');
  });

  test.each(['/api/v1/scoreboard/top', '/healthz', '/', '/.well-known/jwks.json', '/nothing'])(
    'HEAD %s has the headers of GET and no body',
    async (path) => {
      const [head, whole] = [await ask(`${world.base}${path}`, { method: 'HEAD' }), await get(path)];
      expect(head.status).toBe(whole.status);
      expect(head.text).toBe('');
      for (const name of ['content-type', 'content-length', 'etag', 'content-security-policy']) {
        expect(head.headers.get(name)).toBe(whole.headers.get(name));
      }
    },
  );

  test('a valid request id is passed on to score and back, and replaced otherwise', async () => {
    const headers = { ...bearer(alice), 'x-request-id': 'my_request-1' };
    expect((await get('/api/v1/scoreboard/me', headers)).headers.get('x-request-id')).toBe('my_request-1');
    // A call that is made for one request alone.
    const longTop = await ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/GetTop`, {
      ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
      body: '{"limit":11}',
    });
    expect(longTop.headers.get('x-request-id')).toBe('my_request-1');
    expect(world.score.contexts.at(-1)?.requestId).toBe('my_request-1');
    for (const id of ['a b', 'x'.repeat(65), '<script>', 'a\tb', '"']) {
      const answer = await get('/healthz', { 'x-request-id': id });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
    }
  });

  test('no two requests get the same id', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/healthz')));
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(50);
  });
});

describe('the caching of answers', () => {
  const CALL = 'connect=v1&encoding=json&message=%7B%7D';

  test.each([
    ['/api/v1/scoreboard/top', 'no-store'],
    ['/api/v1/scoreboard/me', 'no-store'],
    ['/api/v1/score/update', 'no-store'],
    ['/healthz', 'no-store'],
    ['/readyz', 'no-store'],
    ['/config.json', 'no-store'],
    ['/nothing', 'no-store'],
    [`/scoreboard.edge.v1.ScoreboardService/GetTop?${CALL}`, 'no-store'],
    [`/scoreboard.edge.v1.ScoreboardService/GetRank?${CALL}`, 'no-store'],
    [`/scoreboard.edge.v1.ScoreboardService/ListAround?${CALL}`, 'no-store'],
    ['/', 'private, no-cache'],
    ['/page/page.js', 'no-cache'],
    ['/.well-known/jwks.json', 'public, max-age=60'],
  ])('%s: %s, with a token and without', async (path, expected) => {
    await submit(world.base, alice, { actionId: 'cached' });
    for (const headers of [{}, bearer(alice)]) {
      expect((await get(path, headers)).headers.get('cache-control')).toBe(expected);
    }
    const preflight = await ask(`${world.base}${path}`, { method: 'OPTIONS' });
    expect(preflight.headers.get('cache-control')).toBe('no-store');
  });

  test('says if the answer depends on the caller', async () => {
    for (const path of ['GetRank', 'ListAround'].map(
      (name) => `/scoreboard.edge.v1.ScoreboardService/${name}?${CALL}`,
    )) {
      for (const headers of [{}, bearer(alice)]) {
        expect((await get(path, headers)).headers.get('vary')).toMatch(/\bAuthorization\b/);
      }
    }
    expect((await get('/api/v1/scoreboard/me', bearer(alice))).headers.get('vary')).toBe('Authorization');
  });
});

describe('a page of another site', () => {
  const preflight = (origin: string, path = '/api/v1/score/update') =>
    ask(`${world.base}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });

  test('may call if it is on the list', async () => {
    const answer = await preflight('https://play.example');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://play.example');
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(answer.headers.get('vary')).toBe('Origin');
    const read = await get('/api/v1/scoreboard/top', { origin: 'https://play.example' });
    expect(read.headers.get('access-control-allow-origin')).toBe('https://play.example');
  });

  test('may read refusals as well as answers', async () => {
    const answer = await submit(world.base, undefined, {}, { origin: 'https://play.example' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://play.example');
  });

  test('may not call if it is not on the list', async () => {
    for (const origin of ['https://evil.example', 'https://play.example.evil.test', 'null']) {
      const answer = await preflight(origin);
      expectRefusal(answer, 403, 'ORIGIN_NOT_ALLOWED');
      expect(answer.headers.has('access-control-allow-origin')).toBe(false);
      const read = await get('/api/v1/scoreboard/top', { origin });
      expect(read.headers.has('access-control-allow-origin')).toBe(false);
      expect(read.headers.get('vary')).toBe('Origin');
    }
  });

  test('gets the same 404 as others', async () => {
    expectRefusal(await preflight('https://play.example', '/nothing'), 404, 'ROUTE_NOT_FOUND');
  });
});
