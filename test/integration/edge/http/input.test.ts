/**
 * Requests that are well formed and mean harm, against a real edge: numbers that are none, JSON that is deep or names
 * what it should not, routes, methods, content types and tokens that do not exist. All are refused with a reason.
 */
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, bearer, speak, submit } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let token: string;
let served = 0;
const failures: string[] = [];
beforeAll(async () => {
  world = await startEdgeWorld({ log: pino({ level: 'error' }, { write: (line) => failures.push(line) }) });
  token = await world.token('alice');
});
afterAll(() => world.stop());
afterEach(async () => {
  served += 1;
  expect((await submit(world.base, token, { actionId: `served-${served}` })).status).toBe(200);
  expect(failures).toEqual([]);
});

const bodyOf = (actionId: string) => JSON.stringify({ actionId, points: 1, signature: GOOD_SIGNATURE });
const countedTimes = (actionId: string) =>
  world.score.submissions.filter((submission) => submission.actionId === actionId).length;

/** The status of the answer to a request whose first line no proper client would write. */
async function statusOf(method: string, path: string): Promise<number> {
  const text = `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const { heard } = await speak(world.node.port, [text], (sofar) => sofar.includes('\r\n\r\n'));
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(heard)?.[1] ?? 0);
}

describe('misleading JSON', () => {
  const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
  const withPoints = (points: string) =>
    `{"actionId":"n","points":${points},"signature":"${GOOD_SIGNATURE}"}`;

  test.each([
    ['"100"', '"100"'],
    ['1e308', '1e308'],
    ['1e309, which is Infinity', '1e309'],
    ['-0', '-0'],
    ['-0.0', '-0.0'],
    ['-1', '-1'],
    ['2^53', '9007199254740992'],
    ['2^53 + 1, which is read as 2^53', '9007199254740993'],
    ['2^64', '18446744073709551616'],
    ['0.1', '0.1'],
    ['NaN', 'NaN'],
    ['Infinity', 'Infinity'],
    ['hexadecimal', '0x10'],
    ['a leading zero', '0100'],
    ['a list', '[100]'],
    ['an object', '{"valueOf":100}'],
    ['true', 'true'],
    ['null', 'null'],
    ['nothing', ''],
  ])('points of %s are refused', async (_, points) => {
    const answer = await submit(world.base, token, withPoints(points));
    expect(answer.status).toBe(400);
    expect(['POINTS_INVALID', 'BODY_INVALID']).toContain(answer.body.reason);
    expect(countedTimes('n')).toBe(0);
  });

  test.each([
    ['a thousand lists', nested(1_000, '[', ']')],
    ['two thousand lists, cut short', '['.repeat(4_000)],
    ['objects in objects', nested(600, '{"a":', '}').replace('}', '1}')],
    ['a field of lists', withPoints(nested(1_000, '[', ']'))],
  ])('%s are refused', async (_, body) => {
    expect((await submit(world.base, token, body)).status).toBe(400);
  });

  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'a field named %s changes nothing, for nobody',
    async (name) => {
      const actionId = `pollute-${name}`;
      const body = `{"${name}":{"points":9,"actionId":"x","polluted":true},${bodyOf(actionId).slice(1)}`;
      expect((await submit(world.base, token, body)).body.newScore).toEqual(expect.any(Number));
      const alone = `{"${name}":${bodyOf(`alone-${name}`)}}`;
      expect((await submit(world.base, token, alone)).status).toBe(400);
      expect(countedTimes(`alone-${name}`)).toBe(0);
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    },
  );

  test('a player in the body is ignored: the token names the player', async () => {
    for (const name of ['userId', 'user_id', 'sub', 'username', 'player']) {
      const answer = await submit(world.base, token, { actionId: `named-${name}`, [name]: 'mallory' });
      expect(answer.status).toBe(200);
    }
    expect(world.score.submissions.filter(({ userId }) => userId !== 'alice')).toEqual([]);
  });
});

describe('unusual requests', () => {
  test('with unknown paths get only 400 and 404', async () => {
    const paths = [
      '//',
      '/%2e%2e/',
      '/..%2f..%2fetc/passwd',
      '/api/v1/score/update/',
      '/API/V1/score/update',
    ];
    const more = ['/%00', '/\\', '/.env', '/.git/config', '/metrics', '/debug', '/admin', '/grpc', '/*'];
    const odd = ['/healthz;a=b', '/scoreboard.edge.v1.ScoreboardService/'];
    for (const path of [...paths, ...more, ...odd]) {
      const status = await statusOf('GET', path);
      expect([path, [400, 404].includes(status) || status]).toEqual([path, true]);
    }
    // uWebSockets.js has no absolute form, and says so as of a version that it does not speak.
    expect(await statusOf('GET', 'http://elsewhere.example/healthz')).toBe(505);
  });

  test('with unknown methods are refused alike on every route', async () => {
    for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'get', 'POSTX', 'PRI']) {
      const status = await statusOf(method, '/healthz');
      expect([method, [400, 405].includes(status)]).toEqual([method, true]);
    }
  });

  test.each([
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=a',
    'application/jsonx',
    'application/json; charset=utf-16',
    'application/json, text/plain',
  ])('with content type %j are refused', async (type) => {
    expect((await submit(world.base, token, bodyOf('typed'), { 'content-type': type })).status).toBe(415);
    expect(countedTimes('typed')).toBe(0);
  });

  test('with a token anywhere but in a bearer header are refused', async () => {
    for (const headers of [
      { authorization: token },
      { authorization: `Basic ${token}` },
      { authorization: `Bearer  ${token}` },
      { cookie: `token=${token}` },
      { authorization: `Bearer edge.${'a'.repeat(43)}` },
      { 'x-authorization': `Bearer ${token}` },
      { 'x-service-key': `edge.${'a'.repeat(43)}` },
    ]) {
      expect((await ask(`${world.base}/api/v1/scoreboard/me`, { headers })).status).toBe(401);
    }
    expect((await ask(`${world.base}/api/v1/scoreboard/me?access_token=${token}`)).status).toBe(401);
    expect((await ask(`${world.base}/api/v1/scoreboard/me`, { headers: bearer(`${token}=`) })).status).toBe(
      401,
    );
  });
});

describe('a body is judged alike by REST and Connect', () => {
  let sent = 0;

  /** The statuses of both for a good body in this form. */
  async function statusesOf(headers: Record<string, string>, write: (json: string) => string | Buffer) {
    sent += 1;
    const rest = await submit(world.base, token, write(bodyOf(`form-${sent}`)), headers);
    const connect = await ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/GetTop`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: write('{}') },
    });
    return [rest.status, connect.status];
  }
  const plain = (json: string) => json;

  test.each<[string, Record<string, string>, (json: string) => string | Buffer, number]>([
    ['charset=utf8', { 'content-type': 'application/json; charset=utf8' }, plain, 200],
    ['a quoted charset', { 'content-type': 'application/json; charset="UTF-8"' }, plain, 200],
    ['a semicolon at the end', { 'content-type': 'application/json;' }, plain, 200],
    ['another charset', { 'content-type': 'application/json; charset=iso-8859-1' }, plain, 415],
    ['another type', { 'content-type': 'text/json' }, plain, 415],
    ['a byte order mark', {}, (json) => `\ufeff${json}`, 200],
    ['gzip', { 'content-encoding': 'gzip' }, (json) => gzipSync(json), 200],
    ['gzip that is none', { 'content-encoding': 'gzip' }, plain, 400],
    ['gzip of too much', { 'content-encoding': 'gzip' }, (json) => gzipSync(json + ' '.repeat(99_999)), 413],
    ['br, with a plain body', { 'content-encoding': 'br' }, plain, 415],
    ['deflate', { 'content-encoding': 'deflate' }, plain, 415],
    ['identity', { 'content-encoding': 'identity' }, plain, 200],
  ])('%s', async (_, headers, write, status) => {
    expect(await statusesOf(headers, write)).toEqual([status, status]);
  });
});

describe('an unreadable binary message', () => {
  const broken = [Buffer.of(0x0a), Buffer.of(0x0a, 0xff, 0xff), Buffer.of(0xff), Buffer.from('{}')];
  const post = (contentType: string, body: Buffer) =>
    ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/GetTop`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    });

  test("is the client's error, not ours", async () => {
    for (const body of broken) {
      const answer = await post('application/proto', body);
      expect(answer).toMatchObject({ status: 400, body: { reason: 'BODY_INVALID' } });
    }
  });

  test('is so in gRPC-web too, also if its frame has a wrong length', async () => {
    const frames = broken.map((body) => Buffer.concat([Buffer.of(0, 0, 0, 0, body.length), body]));
    const lies = [Buffer.of(0, 0, 0, 0, 9, 1), Buffer.of(1, 0, 0, 0, 1, 1), Buffer.of(0, 0)];
    for (const body of [...frames, ...lies]) {
      const { status, text } = await post('application/grpc-web+proto', body);
      expect(status).toBe(200);
      expect(text).toMatch(/grpc-status: 3\r\n/);
    }
  });
});

describe('a refused request', () => {
  test('is counted by route, status and reason, over REST and inside gRPC-web', async () => {
    const count = () =>
      Promise.all([
        world.metric('edge_requests_total', 'route="/api/v1/score/update",status="401"'),
        world.metric('edge_requests_total', 'route="/api/v1/score/update",status="400"'),
        world.metric('edge_requests_refused_total', 'reason="TOKEN_INVALID"'),
        world.metric('edge_requests_refused_total', 'reason="BODY_INVALID"'),
      ]);
    const before = await count();
    for (let n = 0; n < 3; n += 1) await submit(world.base, `${token}x`, {});
    for (const body of ['{', '[]', 'null']) await submit(world.base, token, body);
    await ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/GetTop`, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+proto' },
      body: Buffer.of(0, 0),
    });
    const after = await count();
    expect(after.map((value, at) => value - (before[at] ?? 0))).toEqual([3, 3, 3, 4]);
  });

  test('of any path that is no route has one label', async () => {
    const before = await world.metric('edge_requests_total', 'route="other",status="404"');
    for (const path of ['/a', '/b?c', '/api/v1/score/update/', '/__proto__', '/constructor'])
      expect((await ask(`${world.base}${path}`)).status).toBe(404);
    expect(await world.metric('edge_requests_total', 'route="other",status="404"')).toBe(before + 5);
    expect(await world.metric('edge_requests_total', '__proto__')).toBe(0);
  });
});
