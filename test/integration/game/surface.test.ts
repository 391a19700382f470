/** The demo game server's public interface: authentication, input, CORS, and requests of hostile clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, bearer, speak } from '../../support/clients/edge-client.ts';
import { BUSY_MS } from '../../support/wait-for.ts';
import { type GameWorld, PAGE, type TestPlayer } from '../../support/worlds/game-world.ts';
import { expectRefusal, startLoggedGame } from './logged-game.ts';

let logged: Awaited<ReturnType<typeof startLoggedGame>>;
let world: GameWorld;
let player: TestPlayer;
let roundId: string;
beforeAll(async () => {
  logged = await startLoggedGame();
  ({ world } = logged);
  player = await world.player();
  roundId = (await world.post('/v1/rounds', player.accessToken)).body.roundId;
});
afterAll(() => world.stop());

const PATHS = {
  create: () => '/v1/players',
  refresh: () => '/v1/players/refresh',
  start: () => '/v1/rounds',
  hit: () => `/v1/rounds/${roundId}/hits`,
};
type Name = keyof typeof PATHS;
const NAMES = Object.keys(PATHS) as Name[];
const FOR_PLAYERS = NAMES.filter((name) => name !== 'create');

describe.each(FOR_PLAYERS)('%s', (name) => {
  const body = name === 'hit' ? { cell: 0 } : undefined;

  test('requires a token', async () => {
    const answer = await world.post(PATHS[name](), undefined, body);
    expectRefusal(answer, 401, 'TOKEN_REQUIRED');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    const basic = await world.post(PATHS[name](), undefined, body, { authorization: 'Basic YTpi' });
    expectRefusal(basic, 401, 'TOKEN_REQUIRED');
  });

  test.each([
    ['nonsense', () => 'nonsense'],
    ['a token with another signature', () => `${player.accessToken.slice(0, -4)}AAAA`],
    ['a service key', () => world.authWorld.serviceKeys.get('game') ?? ''],
  ])('refuses %s', async (_, token) => {
    expectRefusal(await world.post(PATHS[name](), token(), body), 401, 'TOKEN_INVALID');
  });
});

describe.each(NAMES)('%s', (name) => {
  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('does not accept %s', async (method) => {
    const answer = await ask(`${world.game.base}${PATHS[name]()}`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
  });

  test('may be called by the allowed page: preflight and answer say so', async () => {
    const url = `${world.game.base}${PATHS[name]()}`;
    const preflight = await ask(url, { method: 'OPTIONS', headers: { origin: PAGE } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(preflight.headers.get('vary')).toBe('Origin');
    const refused = await ask(url, { method: 'POST', headers: { origin: PAGE }, body: 'x'.repeat(2_000) });
    expect(refused.headers.get('access-control-allow-origin')).toBe(PAGE);
  });

  test.each([
    'http://localhost:8081',
    'https://localhost:8080',
    'http://localhost:8080.evil.example',
    'http://evil.example/http://localhost:8080',
    'http://LOCALHOST:8080',
    'null',
  ])('does not let a page at %s read anything', async (origin) => {
    const url = `${world.game.base}${PATHS[name]()}`;
    const preflight = await ask(url, { method: 'OPTIONS', headers: { origin } });
    expectRefusal(preflight, 403, 'ORIGIN_NOT_ALLOWED');
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    const answer = await ask(url, { method: 'POST', headers: { origin, ...bearer(player.accessToken) } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  test('accepts a body of 1 KiB and not one byte more', async () => {
    const answer = await world.post(PATHS[name](), player.accessToken, `"${'x'.repeat(1_023)}"`);
    expectRefusal(answer, 413, 'BODY_TOO_LARGE');
    const megabytes = await world.post(PATHS[name](), player.accessToken, 'x'.repeat(4 * 1024 * 1024));
    expectRefusal(megabytes, 413, 'BODY_TOO_LARGE');
  });
});

describe('the body of a sign-in', () => {
  const send = (body: string, type = 'application/json') =>
    world.post('/v1/players', undefined, body, { 'content-type': type });
  const name = (username: unknown) => send(JSON.stringify({ username }));

  test.each(['', 'null', '[]', '"Ann"', '1', '{', '{"username":"Ann"}x'])(
    'must be an object: %j',
    async (body) => {
      expectRefusal(await send(body), 400, 'BODY_INVALID');
    },
  );

  test('must be UTF-8', async () => {
    const answer = await ask(`${world.game.base}/v1/players`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"username":"\xe4"}', 'latin1'),
    });
    expectRefusal(answer, 400, 'BODY_INVALID');
  });

  test.each(['', 'text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1'])(
    'has to say that it is JSON, not "%s"',
    async (type) => {
      expectRefusal(await send('{"username":"Ann"}', type), 415, 'CONTENT_TYPE_UNSUPPORTED');
    },
  );

  test.each([
    ...[undefined, null, 1, {}, '', ' Ann', 'Ann ', 'An\nn', '\u202eAnn', '\u0301', 'x'.repeat(33)],
    ...['🎮'.repeat(33), '\u3164', `q${'\u0301'.repeat(31)}`],
  ])('must have a valid name, not %j', async (username) => {
    expectRefusal(await name(username), 400, 'USERNAME_INVALID');
  });

  test.each(['a', 'x'.repeat(32), '🎮'.repeat(32), '<b>Ann</b>', 'é'])(
    'may name %j, kept as it is',
    async (username) => {
      const { status, body } = await name(username);
      expect(status).toBe(201);
      expect(body.username).toBe(username);
    },
  );

  test('may be exactly as long as the limit', async () => {
    const start = '{"username":"Ann"}';
    expect((await send(start.padEnd(1_024))).status).toBe(201);
    expectRefusal(await send(start.padEnd(1_025)), 413, 'BODY_TOO_LARGE');
  });
});

describe('the body of a hit', () => {
  let player: TestPlayer;
  let roundId: string;
  beforeAll(async () => {
    player = await world.player();
    roundId = (await world.post('/v1/rounds', player.accessToken)).body.roundId;
  });

  test.each([undefined, null, -1, 9, 0.5, '0', true, [0], 1e300])(
    'has a cell from 0 to 8, not %j',
    async (cell) => {
      expectRefusal(await world.hit(player, roundId, { cell }), 400, 'CELL_INVALID');
    },
  );

  test.each([null, -1, 10, 0.5, '0', 1])('must name a valid target, not %j', async (target) => {
    expectRefusal(await world.hit(player, roundId, { cell: 0, target }), 400, 'TARGET_INVALID');
  });

  test.each(['', '[]', '{'])('must be an object: %j', async (body) => {
    expectRefusal(await world.hit(player, roundId, body), 400, 'BODY_INVALID');
  });

  test('cannot set the points, the player or the time', async () => {
    const { roundId: own, cell } = (await world.post('/v1/rounds', player.accessToken)).body;
    world.clock.nowMs += 2_000;
    const wishes = { points: 1_000_000, userId: 'somebody', reactionMs: 100 };
    const { body } = await world.hit(player, own, { cell, ...wishes });
    expect(body).toMatchObject({ hit: true, reactionMs: 2_000 });
    expect(body.action.points).toBeLessThan(20);
  });
});

describe('everything else', () => {
  test.each([
    '/',
    '/v1',
    '/v1/players/',
    '/v1/rounds/x',
    '/v1/rounds//hits',
    '/v1/rounds/a%2Fb/hits',
    '/metrics',
  ])('%s is not found', async (path) => {
    expectRefusal(await world.post(path, player.accessToken, {}), 404, 'ROUTE_NOT_FOUND');
  });

  test('answers with the request id of the request if it is valid, and with a new one otherwise', async () => {
    const idOf = async (id: string) =>
      (await world.post('/v1/rounds', undefined, undefined, { 'x-request-id': id })).headers.get(
        'x-request-id',
      );
    expect(await idOf('abc-1')).toBe('abc-1');
    expect(await idOf('a b')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idOf('x'.repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('refuses headers beyond the limit', async () => {
    const { heard } = await speak(world.game.port, [
      `POST /v1/rounds HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(17_000)}\r\n\r\n`,
    ]);
    expect(heard).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(JSON.parse(heard.split('\r\n\r\n')[1] ?? '').reason).toBe('REQUEST_INVALID');
  });

  test.each([
    ['nonsense', 'nonsense\r\n\r\n'],
    ['a length that is no number', 'POST /v1/rounds HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n'],
    ['two lengths', 'POST /v1/rounds HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n'],
    [
      'a length and chunks',
      'POST /v1/rounds HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['no Host', 'POST /v1/rounds HTTP/1.1\r\nContent-Length: 0\r\n\r\n'],
    ['two Hosts', 'POST /v1/rounds HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n'],
    ['a Host that names no host', 'POST /v1/rounds HTTP/1.1\r\nHost: 1.2.3.999\r\nContent-Length: 0\r\n\r\n'],
  ])('refuses a malformed request in the one error shape: %s', async (_, text) => {
    const { heard } = await speak(world.game.port, [text], (all) => all.endsWith('}'));
    expect(heard).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    const body = JSON.parse(heard.split('\r\n\r\n')[1] ?? '');
    expect(body).toEqual({
      code: 'invalid_argument',
      reason: 'REQUEST_INVALID',
      message: expect.any(String),
    });
  });

  test('does not accept a header in two lines that may occur once', async () => {
    const lines = ['POST /v1/rounds HTTP/1.1', 'Host: x', 'Content-Length: 0'];
    const bearerLine = `Authorization: Bearer ${player.accessToken}`;
    const reasonOf = async (more: string[]) => {
      const text = `${[...lines, ...more].join('\r\n')}\r\n\r\n`;
      const { heard } = await speak(world.game.port, [text], (all) => all.endsWith('}'));
      return JSON.parse(heard.split('\r\n\r\n')[1] ?? '').reason;
    };
    expect(await reasonOf([bearerLine, bearerLine])).toBe('TOKEN_INVALID');
    expect(await reasonOf([bearerLine])).toBeUndefined();
  });

  test('closes a connection that sends a request before the last was answered', async () => {
    const body = '{"username":"Ann"}';
    const one = `POST /v1/players HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const { heard, closed } = await speak(world.game.port, [one + one]);
    expect([heard, closed]).toEqual(['', true]);
    const { heard: both } = await speak(world.game.port, [one, one], (all) => all.split('201').length > 2);
    expect(both.split('HTTP/1.1 201 Created')).toHaveLength(3);
  });

  test('closes a connection whose request never ends', async () => {
    const started = performance.now();
    const head =
      'POST /v1/players HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n';
    const [slowHead, slowBody] = await Promise.all([
      speak(world.game.port, ['POST /v1/players HTTP/1.1\r\nHo']),
      speak(world.game.port, [head]),
    ]);
    expect(slowHead.closed && slowBody.closed).toBe(true);
    expect(performance.now() - started).toBeLessThan(15_000 + 2 * BUSY_MS);
  });
});

test('no token, signature or key is logged, and nothing was logged as an error', () => {
  logged.expectCleanLog();
});
