/** What arrives on the wire and no proper client would send: broken, slow, huge, or gone again. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answersIn, ask, speak, submit } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let token: string;
const failures: string[] = [];
beforeAll(async () => {
  world = await startEdgeWorld({ log: pino({ level: 'error' }, { write: (line) => failures.push(line) }) });
  token = await world.token('alice');
});
afterAll(() => world.stop());
// Whatever a client does, it is never a failure of ours.
afterEach(() => expect(failures).toEqual([]));

const bodyOf = (actionId: string) => JSON.stringify({ actionId, points: 1, signature: GOOD_SIGNATURE });
const headOf = (more: string) =>
  `POST /api/v1/score/update HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${more}\r\n`;
const post = (actionId: string) =>
  headOf(`Content-Length: ${bodyOf(actionId).length}\r\n`) + bodyOf(actionId);
const GET = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';

const countedTimes = (actionId: string) =>
  world.score.submissions.filter((submission) => submission.actionId === actionId).length;
const allAnswered = () =>
  waitFor(async () => (await world.metric('edge_requests_in_flight')) === 0 || undefined);
const one = (heard: string) => /\r\n\r\n.+/s.test(heard);

/** Sends and goes away at once, without hearing anything. */
function leave(text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(world.node.port, '127.0.0.1', () => {
      socket.write(text, () => socket.destroy());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

describe('a client that goes away', () => {
  test('in the middle of its body leaves nothing behind', async () => {
    await leave(post('half').slice(0, -10));
    await allAnswered();
    expect(countedTimes('half')).toBe(0);
  });

  test('before the answer has its score counted, and does not affect others', async () => {
    world.score.hold();
    await leave(post('gone'));
    await waitFor(() => countedTimes('gone') === 1 || undefined);
    await allAnswered();
    world.score.release();
    expect((await submit(world.base, token, { actionId: 'gone', points: 1 })).status).toBe(200);
  });

  test('during a Connect call leaves nothing behind either', async () => {
    world.score.hold();
    const path = '/scoreboard.edge.v1.ScoreboardService/GetTop';
    await leave(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
    await leave(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{`,
    );
    await allAnswered();
    world.score.release();
    expect((await ask(`${world.base}/healthz`)).status).toBe(200);
  });

  test('a hundred times at once does no harm', async () => {
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => leave(post(`many-${index}`).slice(0, 200 + index * 5))),
    );
    await allAnswered();
    expect((await submit(world.base, token, { actionId: 'after' })).status).toBe(200);
  });
});

describe('one connection', () => {
  test('may carry a body in pieces, or in chunks', async () => {
    const whole = headOf(`Content-Length: ${bodyOf('pieces').length}\r\nExpect: 100-continue\r\n`);
    const pieces = await speak(world.node.port, [whole, bodyOf('pieces')], (heard) =>
      heard.includes('newScore'),
    );
    expect(pieces.heard).toContain('200 OK');
    const body = bodyOf('chunks');
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const chunked =
      headOf('Transfer-Encoding: chunked\r\n') + chunk(body.slice(0, 9)) + chunk(body.slice(9)) + chunk('');
    const { heard } = await speak(world.node.port, [chunked], one);
    expect(heard).toContain('200 OK');
    expect([countedTimes('pieces'), countedTimes('chunks')]).toEqual([1, 1]);
  });

  test('may carry a body in pieces of one byte each', async () => {
    const chunks = [...bodyOf('bytes')].map((byte) => `1\r\n${byte}\r\n`).join('');
    const { heard } = await speak(
      world.node.port,
      [`${headOf('Transfer-Encoding: chunked\r\n')}${chunks}0\r\n\r\n`],
      one,
    );
    expect(heard).toContain('200 OK');
    expect(countedTimes('bytes')).toBe(1);
  });

  test('may carry chunks whose line ends are other bytes: the library reads them by their sizes', async () => {
    const body = bodyOf('line-ends');
    const chunked = `${headOf('Transfer-Encoding: chunked\r\n')}${body.length.toString(16)}\r\n${body}XX0\n\n`;
    const { heard } = await speak(world.node.port, [chunked], one);
    expect(heard).toContain('200 OK');
    expect(countedTimes('line-ends')).toBe(1);
  });

  test('stays open after HEAD, which has no body, and after OPTIONS', async () => {
    const head = 'HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    const options = 'OPTIONS /healthz HTTP/1.1\r\nHost: x\r\nOrigin: https://play.example\r\n\r\n';
    const goesOn = async (first: string) => {
      const { heard, closed } = await speak(world.node.port, [first, GET], (text) =>
        text.includes('{"status"'),
      );
      return answersIn(heard) === 2 && !closed;
    };
    expect(await goesOn(options)).toBe(true);
    // One answer to HEAD in 64 ends its connection.
    const tries: boolean[] = [];
    while (tries.length < 10) tries.push(await goesOn(head));
    expect(tries).toContain(true);
  });

  test('may carry several requests in one packet if they are answered at once; the answers are in order', async () => {
    const second = GET.replace('/healthz', '/nothing');
    const { heard } = await speak(world.node.port, [GET + second], (text) => answersIn(text) === 2);
    expect(heard.indexOf('200 OK')).toBeLessThan(heard.indexOf('404 Not Found'));
  });

  test('is closed if a request arrives before the last was answered, so that answers are not mixed up', async () => {
    const { heard, closed } = await speak(world.node.port, [post('piped-1') + post('piped-2')]);
    expect({ heard, closed }).toEqual({ heard: '', closed: true });
    await allAnswered();
    for (const actionId of ['piped-1', 'piped-2']) {
      expect(countedTimes(actionId)).toBeLessThanOrEqual(1);
      expect((await submit(world.base, token, { actionId, points: 1 })).status).toBe(200);
    }
  });
});

describe('a bad request', () => {
  test.each([
    ['headers over 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(17_000)}\r\n\r\n`, '431'],
    [
      'two lengths of one body',
      `${headOf('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
      '400',
    ],
    ['a negative length', headOf('Content-Length: -5\r\n'), '400'],
    ['an old protocol', 'GET / HTTP/1.0\r\nHost: x\r\n\r\n', '505'],
  ])('%s is refused and the connection is closed', async (_, text, status) => {
    const { heard, closed } = await speak(world.node.port, [text]);
    expect(heard).toContain(`HTTP/1.1 ${status} `);
    expect(answersIn(heard)).toBe(1);
    expect(closed).toBe(true);
  });

  test('with headers that are not text does no harm', async () => {
    const text = `POST /scoreboard.edge.v1.ScoreboardService/GetTop HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Other: \xff\xfe\r\nAccept-Encoding: \xe2\x82\xac\r\nConnect-Timeout-Ms: 1000\r\nAccept-Encoding: \xff\r\nOrigin: \xe4\r\nX-Forwarded-For: \xff\r\nContent-Length: 2\r\n\r\n{}`;
    const { heard } = await speak(world.node.port, [text], one);
    expect(heard).toContain('HTTP/1.1 200 OK');
  });

  test('cannot inject a header into the answer', async () => {
    const head = 'GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\tX-Evil: 1\r\n\r\n';
    const { heard } = await speak(world.node.port, [head], one);
    expect(heard).toContain('HTTP/1.1 200 OK');
    expect(heard).not.toMatch(/evil/i);
  });

  test('with an endless body is disconnected', async () => {
    const piece = Buffer.alloc(1024 * 1024, ' ');
    const heard = await new Promise((resolve) => {
      const socket = connect(world.node.port, '127.0.0.1');
      let answer = '';
      let sent = 0;
      const send = (error?: Error | null) => {
        sent += 1;
        if (!error && sent < 100) socket.write(piece, send);
      };
      socket.on('data', (chunk) => {
        answer += chunk.toString();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
      socket.write(headOf(`Content-Length: ${1_000 * piece.length}\r\n`), send);
    });
    expect(heard).toContain('HTTP/1.1 413 ');
    await allAnswered();
  });

  test('of any kind does not affect the next one', async () => {
    const word = fc.constantFrom(
      'GET',
      'POST',
      ' ',
      '/',
      'HTTP/1.1',
      '\r\n',
      '\r\n\r\n',
      ':',
      'Content-Length',
      '5',
      'Host',
    );
    const text = fc
      .array(fc.oneof(word, fc.string({ maxLength: 20 })), { maxLength: 30 })
      .map((words) => words.join(''));
    await fc.assert(
      fc.asyncProperty(text, async (garbage) => {
        await leave(garbage);
      }),
      { numRuns: 200 },
    );
    await allAnswered();
    expect((await submit(world.base, token, { actionId: 'still-there' })).status).toBe(200);
  });
});
