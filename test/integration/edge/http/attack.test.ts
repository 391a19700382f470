/**
 * HTTP as an attacker writes it, against a real edge: headers that conflict, requests inside requests, header bombs,
 * connections that drip. Never an answer of the 500s, never two answers to one request, and others are served.
 */
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answersIn, speak, submit } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let token: string;
let served = 0;
const failures: string[] = [];
beforeAll(async () => {
  world = await startEdgeWorld({
    log: pino({ level: 'error' }, { write: (line) => failures.push(line) }),
    // The one player here asks without a pause while others attack.
    env: { RATE_USER_PER_S: '100000', RATE_USER_BURST: '100000' },
  });
  token = await world.token('alice');
});
afterAll(() => world.stop());
afterEach(async () => {
  served += 1;
  expect((await submit(world.base, token, { actionId: `served-${served}` })).status).toBe(200);
  expect(failures).toEqual([]);
  await waitFor(async () => (await world.metric('edge_requests_in_flight')) === 0 || undefined);
});

const POST = 'POST /api/v1/score/update HTTP/1.1\r\n';
const bodyOf = (actionId: string) => JSON.stringify({ actionId, points: 1, signature: GOOD_SIGNATURE });
const authorization = () => `Authorization: Bearer ${token}\r\n`;
const JSON_TYPE = 'Content-Type: application/json\r\n';
const countedTimes = (actionId: string) =>
  world.score.submissions.filter((submission) => submission.actionId === actionId).length;

/** Statuses that were heard until the connection ended or was quiet because all was answered. */
async function statuses(text: string, count = 1): Promise<number[]> {
  const done = (heard: string) => answersIn(heard) >= count && heard.includes('\r\n\r\n');
  const { heard } = await speak(world.node.port, [text], done);
  return [...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}
const refusedAll = (list: readonly number[]) => list.every((status) => status >= 400 && status < 500);

const CONFLICTS: readonly (readonly [name: string, headers: string])[] = [
  ['two different lengths', 'Content-Length: 5\r\nContent-Length: 90\r\n'],
  ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
  ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n'],
  ['a length that is no number', 'Content-Length: 5x\r\n'],
  ['a length with a sign', 'Content-Length: +90\r\n'],
  ['a length in hexadecimal', 'Content-Length: 0x5a\r\n'],
  ['a list of lengths', 'Content-Length: 90, 90\r\n'],
  ['a length beyond 64 bits', 'Content-Length: 99999999999999999999999\r\n'],
  ['an encoding that nobody knows', 'Transfer-Encoding: xchunked\r\n'],
  ['chunks that come first of two encodings', 'Transfer-Encoding: chunked, identity\r\n'],
  ['a name with a space before the colon', 'Content-Length : 90\r\n'],
  ['a header that is folded', 'X-A: b\r\n c\r\nContent-Length: 90\r\n'],
  ['no colon', 'Content-Length 90\r\n'],
  ['a name with a null byte', 'X\0A: b\r\n'],
];

describe('headers that conflict', () => {
  // All at once: uWebSockets.js leaves some of them without an answer until its 10 s are over.
  test('get at most one answer; their bodies are not read as requests, and nothing is counted', async () => {
    const inner = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
    const outcomes = CONFLICTS.map(async ([name, headers], index) => {
      const body = bodyOf(`conflict-${index}`) + inner;
      const text = `${POST}Host: x\r\n${authorization()}${JSON_TYPE}${headers}\r\n${body}`;
      const { heard } = await speak(world.node.port, [text]);
      const hasSmuggled = heard.includes('ROUTE_NOT_FOUND') || /HTTP\/1\.1 [235]/.test(heard);
      return { name, answers: answersIn(heard), hasSmuggled, counted: countedTimes(`conflict-${index}`) };
    });
    for (const { name, answers, hasSmuggled, counted } of await Promise.all(outcomes)) {
      expect([name, answers <= 1, hasSmuggled, counted]).toEqual([name, true, false, 0]);
    }
  });

  test('two tokens: the request counts for one player or is refused, never for both', async () => {
    const other = await world.token('bob');
    const two = `${authorization()}Authorization: Bearer ${other}\r\n`;
    const body = bodyOf('two-tokens');
    const text = `${POST}Host: x\r\n${two}${JSON_TYPE}Content-Length: ${body.length}\r\n\r\n${body}`;
    const [status = 0] = await statuses(text);
    expect([200, 401]).toContain(status);
    expect(world.score.submissions.filter(({ userId }) => userId === 'bob')).toEqual([]);
  });

  test('two hosts: neither decides how the request is served', async () => {
    const [two = 0] = await statuses('GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    expect([200, 400]).toContain(two);
  });
});

describe('a request inside a request', () => {
  const inner = 'GET /api/v1/scoreboard/me HTTP/1.1\r\nHost: x\r\n\r\n';

  test('in the body is read as the body', async () => {
    const text = `${POST}Host: x\r\n${authorization()}${JSON_TYPE}Content-Length: ${inner.length}\r\n\r\n${inner}`;
    expect(await statuses(text)).toEqual([400]);
  });

  test('after chunks with wrong sizes is not read', async () => {
    const bodies: readonly (readonly [name: string, body: string])[] = [
      ['a chunk that is larger than it says', `5\r\n${inner}\r\n0\r\n\r\n`],
      ['a chunk size that is no number', `zz\r\n${inner}\r\n0\r\n\r\n`],
      ['a negative chunk', `-1\r\n${inner}\r\n0\r\n\r\n`],
      ['a chunk size beyond 64 bits', `fffffffffffffffff\r\n${inner}`],
      ['a chunk size that ends with a bare line feed', `5\nhello\n0\n\n${inner}`],
    ];
    const outcomes = bodies.map(async ([name, body]) => {
      const text = `${POST}Host: x\r\n${authorization()}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n${body}`;
      const { heard } = await speak(world.node.port, [text]);
      return { name, isHeard: heard.includes('TOKEN_REQUIRED') || /HTTP\/1\.1 [25]/.test(heard) };
    });
    for (const { name, isHeard } of await Promise.all(outcomes))
      expect([name, isHeard]).toEqual([name, false]);
  });

  test('pipelined on one connection is answered in order', async () => {
    const count = 100;
    const gets = Array.from({ length: count }, (_, index) =>
      index % 2 === 0
        ? 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
        : 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    const heard = await statuses(gets.join(''), count);
    expect(heard).toEqual(gets.map((_, index) => (index % 2 === 0 ? 200 : 404)));
  });
});

describe('a header bomb', () => {
  test.each([
    ['a thousand headers', 'X-A: b\r\n'.repeat(1_000)],
    ['one header of 64 KiB', `X-A: ${'b'.repeat(65_536)}\r\n`],
    ['a name of 16 KiB', `${'X'.repeat(16_384)}: b\r\n`],
    ['a thousand cookies', `Cookie: ${'a=b; '.repeat(4_000)}\r\n`],
  ])('%s is refused, and the connection is closed', async (_, headers) => {
    const { heard, closed } = await speak(world.node.port, [
      `GET /healthz HTTP/1.1\r\nHost: x\r\n${headers}\r\n`,
    ]);
    expect(heard).toMatch(/^HTTP\/1\.1 (?:431|400) /);
    expect(closed).toBe(true);
  });

  test('a path of 16 KiB is refused', async () => {
    expect(refusedAll(await statuses(`GET /${'a'.repeat(16_384)} HTTP/1.1\r\nHost: x\r\n\r\n`))).toBe(true);
  });
});

test('two hundred connections that send headers or bodies slowly are closed in time, and others are served meanwhile', async () => {
  const head = `${POST}Host: x\r\n${authorization()}${JSON_TYPE}Content-Length: 1000\r\n\r\n`;
  const openings = ['', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: ', head, `${head}{`];
  let open = 0;
  const ended = Array.from({ length: 200 }, (_, index) => {
    const socket = connect(world.node.port, '127.0.0.1');
    open += 1;
    // One byte now and then is what keeps an attack of this kind alive.
    const drip = setInterval(() => socket.write('a'), 1_000);
    return new Promise<void>((resolve) => {
      socket.on('error', () => undefined);
      socket.on('data', () => undefined);
      socket.on('close', () => {
        clearInterval(drip);
        open -= 1;
        resolve();
      });
      socket.write(openings[index % openings.length] ?? '');
    });
  });
  let asked = 0;
  while (open > 0) {
    asked += 1;
    expect((await submit(world.base, token, { actionId: `meanwhile-${asked}` })).status).toBe(200);
  }
  await Promise.all(ended);
  expect(asked).toBeGreaterThan(10);
});
