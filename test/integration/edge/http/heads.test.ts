/**
 * Heads of requests that can be read in two ways, and answers that their client does not read. Each head has one meaning or is
 * refused in the one error shape, without a line in the log; and no client makes the edge keep answers for it.
 */
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answersIn, speak } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let token: string;
/** Warnings, but for that of a refused token. */
const logged: string[] = [];
beforeAll(async () => {
  const write = (line: string) => void (line.includes('a token was refused') || logged.push(line));
  world = await startEdgeWorld({ log: pino({ level: 'warn' }, { write }) });
  token = await world.token('alice');
});
afterAll(() => world.stop());
afterEach(() => expect(logged).toEqual([]));

/** Sends one request, and hears its answer whole, or the end of the connection. */
async function send(lines: readonly string[], body = '', port = world.node.port) {
  const text = `${lines.join('\r\n')}\r\n\r\n${body}`;
  const isWhole = (heard: string) => {
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(heard)?.[1];
    if (length === undefined) return heard.includes(' 304 ') && heard.endsWith('\r\n\r\n');
    return (heard.split('\r\n\r\n')[1] ?? '').length >= Number(length);
  };
  const { heard, closed } = await speak(port, [text], isWhole);
  const [head = '', answer = ''] = heard.split('\r\n\r\n');
  return { statusLine: head.split('\r\n')[0], head, answer, closed };
}

function expectRefused(heard: Awaited<ReturnType<typeof send>>): void {
  expect(heard.statusLine).toBe('HTTP/1.1 400 Bad Request');
  expect(JSON.parse(heard.answer)).toEqual({
    code: 'invalid_argument',
    reason: 'REQUEST_INVALID',
    message: expect.any(String),
  });
  expect(heard.head).toMatch(/\r\nconnection: close/i);
}

describe('an invalid Host header', () => {
  const HOSTS = [
    ...['1.2.3.999', '[::::]', '[1:2]', 'xn--a', '0x1ffffffff', 'a.09', '1.2.3.4.5', '', ' ', 'a b', 'a,b'],
    ...[
      'x; script-src *',
      'http://x',
      'x/',
      'x?y',
      'user@x',
      'x:65536',
      'x:y',
      'x:1:2',
      '[::1',
      '\xff',
      '%41',
    ],
  ];

  test.each(HOSTS)('is refused wherever it is sent: %j', async (host) => {
    for (const path of ['/', '/config.json', '/healthz', '/api/v1/scoreboard/top', '/nothing']) {
      expectRefused(await send([`GET ${path} HTTP/1.1`, `Host: ${host}`]));
    }
  });

  test('is also one in two lines, equal or not', async () => {
    expectRefused(await send(['GET / HTTP/1.1', 'Host: a.example', 'Host: b.example']));
    expectRefused(await send(['GET / HTTP/1.1', 'Host: a.example', 'Accept: */*', 'host: a.example']));
  });

  test.each([
    ['play.example', 'play.example'],
    ['PLAY.example:8080', 'play.example'],
    ['a_service:1', 'a_service'],
    ['192.0.2.7:65535', '192.0.2.7'],
    ['0x7f.1', '127.0.0.1'],
    ['[2001:DB8::0001]:8080', '[2001:db8::1]'],
  ])('does not include %s, and the page finds the other nodes there', async (host, named) => {
    const { answer } = await send(['GET /config.json HTTP/1.1', `Host: ${host}`]);
    expect(JSON.parse(answer).fanoutUrl).toBe(`ws://${named}:8081/live`);
    const { head } = await send(['GET / HTTP/1.1', `Host: ${host}`]);
    expect(head).toContain(`connect-src 'self' ws://${named}:8081 http://${named}:8082;`);
  });
});

describe('a body with an ambiguous length', () => {
  test.each([
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['the same length twice', ['Content-Length: 5', 'Content-Length: 5']],
    ['no number', ['Content-Length:']],
    ['an unknown coding', ['Transfer-Encoding: xchunked']],
    ['two codings', ['Transfer-Encoding: gzip, chunked']],
    ['two codings in two lines', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
  ])('is refused, and the connection is closed: %s', async (_, lines) => {
    const inner = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    const head = ['POST /api/v1/score/update HTTP/1.1', 'Host: x', ...lines];
    expectRefused(await send(head));
    const { heard, closed } = await speak(world.node.port, [`${head.join('\r\n')}\r\n\r\n${inner}`]);
    expect([answersIn(heard) <= 1, heard.includes('200 OK'), closed]).toEqual([true, false, true]);
  });
});

describe('a header that may occur once, in two lines', () => {
  const submitting = (...lines: string[]) => {
    const body = JSON.stringify({ actionId: 'twice', points: 1, signature: GOOD_SIGNATURE });
    return send(
      ['POST /api/v1/score/update HTTP/1.1', 'Host: x', `Content-Length: ${body.length}`, ...lines],
      body,
    );
  };
  const bearer = (text: string) => `Authorization: Bearer ${text}`;
  const JSON_LINE = 'Content-Type: application/json';

  test('is no token, even if one or both of them are valid', async () => {
    for (const other of ['nonsense', token]) {
      const { answer } = await submitting(bearer(token), bearer(other), JSON_LINE);
      expect(JSON.parse(answer).reason).toBe('TOKEN_INVALID');
    }
    expect((await submitting(bearer(token), JSON_LINE)).statusLine).toBe('HTTP/1.1 200 OK');
  });

  test('is no content type', async () => {
    const { answer } = await submitting(bearer(token), JSON_LINE, 'Content-Type: text/plain');
    expect(JSON.parse(answer).reason).toBe('CONTENT_TYPE_UNSUPPORTED');
  });

  test('is neither an allowed origin nor a request id', async () => {
    const lines = ['GET /healthz HTTP/1.1', 'Host: x', 'Origin: https://play.example', 'X-Request-Id: mine'];
    expect((await send(lines)).head).toMatch(/access-control-allow-origin: https:\/\/play\.example/i);
    expect((await send(lines)).head).toContain('X-Request-Id: mine');
    const { head } = await send([...lines, 'Origin: https://evil.example', 'X-Request-Id: other']);
    expect(head).not.toMatch(/access-control-allow-origin|mine|other/i);
  });

  test('is one list if it is a list header', async () => {
    const { head } = await send(['GET /page/style.css HTTP/1.1', 'Host: x']);
    const etag = /etag: (\S+)/i.exec(head)?.[1] ?? '';
    const lines = [
      'GET /page/style.css HTTP/1.1',
      'Host: x',
      'If-None-Match: "other"',
      `If-None-Match: ${etag}`,
    ];
    const again: (string | undefined)[] = [];
    for (let tries = 0; tries < 10; tries += 1) again.push((await send(lines)).statusLine);
    expect(again).toContain('HTTP/1.1 304 Not Modified');
  });
});

test('all lines of X-Forwarded-For are read: a line that the client sent does not hide the address that our proxy added', async () => {
  const node = await world.startNode({
    TRUSTED_PROXIES: '127.0.0.0/8',
    RATE_ADDRESS_EXEMPT: '10.9.9.9',
    RATE_ADDRESS_PER_S: '1',
    RATE_ADDRESS_BURST: '5',
  });
  const reason = async (made: string, named: string) => {
    const lines = ['GET /api/v1/scoreboard/top HTTP/1.1', 'Host: x'];
    const answer = await send(
      [...lines, `X-Forwarded-For: ${made}`, `X-Forwarded-For: ${named}`],
      '',
      node.port,
    );
    return JSON.parse(answer.answer).reason;
  };
  const heard: unknown[] = [];
  for (let index = 0; index < 5; index += 1) heard.push(await reason(`198.51.100.${index}`, '203.0.113.8'));
  // Nor can the limit be spent in the name of another.
  expect([...heard, await reason('203.0.113.9', '203.0.113.8')]).toEqual([
    ...Array(5).fill(undefined),
    'RATE_LIMITED',
  ]);
  expect(await reason('203.0.113.8', '203.0.113.9')).toBeUndefined();
  await node.stop();
});

describe('a client that sends requests and reads no answers', () => {
  const PIECE = 500;
  const PIECES = 200;

  /** Asks again and again on one connection until it ends, and says whether it did. */
  function askOn(request: string): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(world.node.port, '127.0.0.1');
      let pieces = 0;
      const more = () => {
        pieces += 1;
        if (pieces <= PIECES) socket.write(request.repeat(PIECE), () => setImmediate(more));
        else finish(false);
      };
      const finish = (ended: boolean) => {
        socket.removeAllListeners('close');
        socket.destroy();
        resolve(ended);
      };
      socket.pause();
      socket.on('error', () => undefined);
      socket.on('close', () => finish(true));
      socket.on('connect', more);
    });
  }

  test.each([
    ['for a file', 'GET /page/style.css HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['for what does not exist', 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['for heads', 'HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['for methods', 'OPTIONS /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('is disconnected before its answers fill the memory: %s', async (_, request) => {
    expect(await askOn(request)).toBe(true);
  });

  test('is disconnected too if it asks for a file that it has cached', async () => {
    const { head } = await send(['GET /page/style.css HTTP/1.1', 'Host: x']);
    const etag = /etag: (\S+)/i.exec(head)?.[1] ?? '';
    expect(await askOn(`GET /page/style.css HTTP/1.1\r\nHost: x\r\nIf-None-Match: ${etag}\r\n\r\n`)).toBe(
      true,
    );
  });
});
