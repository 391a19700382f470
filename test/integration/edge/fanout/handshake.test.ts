/** Handshakes: allowed origins, required headers, subprotocols, and where a token may be. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { metricOf } from '../../../support/clients/admin-pages.ts';
import { type LiveClient, openLive, refusal } from '../../../support/clients/live-client.ts';
import { handshake, openRaw } from '../../../support/clients/raw-socket.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

let world: FanoutWorld;
let bystander: LiveClient;
let seq = 0;
let version = 0;

beforeAll(async () => {
  world = await startFanoutWorld();
  await world.feedHealthy();
  bystander = await openLive(world.url);
});
afterAll(() => world.stop());
afterEach(async () => {
  seq += 1;
  await world.publish({ seq, entries: [{ userId: 'ann', score: seq }] });
  await bystander.frame((heard) => heard.seq === seq);
});

/** The status of the answer, and whether the connection was ended with it. */
async function knock(opening: string): Promise<{ status: string; head: string }> {
  const socket = await openRaw(world.node.port, opening);
  const { head } = socket;
  socket.destroy();
  return { status: head.split(' ')[1] ?? '', head };
}

const without = (name: string) => handshake().replace(new RegExp(`${name}:.*\r\n`), '');
const withHeader = (name: string, value: string) => handshake('/live', { [name]: value });

describe('the origin of a page', () => {
  test.each([
    ['is one of the list', 'https://play.example'],
    ['is another of the list', 'http://localhost:8080'],
    ['is surrounded by white space, which is not part of a header', ' \thttps://play.example\t '],
  ])('%s: it may open a socket', async (_, origin) => {
    expect((await knock(withHeader('Origin', origin))).status).toBe('101');
  });

  test('may be absent: no page can leave it out, and other programs may open a socket', async () => {
    expect((await knock(handshake())).status).toBe('101');
  });

  test.each([
    ['null, as of a sandboxed page', 'null'],
    ['longer at the end', 'https://play.example.evil.test'],
    ['longer at the start', 'https://evil-play.example'],
    ['of a subdomain', 'https://www.play.example'],
    ['of another scheme', 'http://play.example'],
    ['of another port', 'https://play.example:8443'],
    ['with the default port, as no browser writes it', 'https://play.example:443'],
    ['in another case', 'https://PLAY.example'],
    ['in another case of the scheme', 'HTTPS://play.example'],
    ['with a slash', 'https://play.example/'],
    ['with a user', 'https://play.example@evil.test'],
    ['two in one', 'https://play.example, https://evil.test'],
    ['two in one, the other way', 'https://evil.test https://play.example'],
    ['a star', '*'],
    ['of a file', 'file://'],
    ['of an extension', 'chrome-extension://play.example'],
    ['the name alone', 'play.example'],
    ['two, in two lines', 'https://play.example\r\nOrigin: https://evil.test'],
  ])('is %s: its socket gets nothing but a close code', async (_, origin) => {
    const socket = await openRaw(world.node.port, withHeader('Origin', origin));
    expect(await socket.closed()).toBe(4403);
    expect(socket.frames).toHaveLength(1);
  });
});

/** A browser hides the HTTP answer to a handshake from its page, so a page is told by a close code. */
describe('a page whose handshake is refused', () => {
  const closeOf = async (url: string, protocols: string[] = [], origin = 'https://play.example') => {
    const socket = await openLive(url, { origin, protocols });
    const { code, reason } = await socket.closed;
    expect(socket.frames).toEqual([]);
    return { code, reason, protocol: socket.protocol };
  };
  const bad = { code: 4400, reason: 'the handshake is not a documented one' };

  test('learns that its origin is not allowed', async () => {
    expect(await closeOf(world.url, ['scoreboard.v1'], 'https://evil.test')).toEqual({
      code: 4403,
      reason: 'the origin of the page is not in ALLOWED_ORIGINS',
      protocol: 'scoreboard.v1',
    });
  });

  test('learns that its path is wrong', async () => {
    const { code, reason } = await closeOf(world.url.replace('/live', '/board/live'));
    expect({ code, reason }).toEqual({ code: 4404, reason: 'wrong path: the socket is at /live' });
  });

  test('learns that its token must not be in the URL', async () => {
    const { code, reason } = await closeOf(`${world.url}?token=abc`);
    expect({ code, reason }).toEqual({ code: 4400, reason: 'a token must not be in the URL' });
  });

  test('learns that its subprotocol or position does not exist, and its token is not repeated', async () => {
    const token = `bearer.${await world.auth.token('alice')}`;
    expect(await closeOf(world.url, [token, 'chat'])).toEqual({ ...bad, protocol: 'chat' });
    expect(await closeOf(`${world.url}?epoch=x`, ['chat', 'scoreboard.v1'])).toEqual({
      ...bad,
      protocol: 'scoreboard.v1',
    });
    const alone = withHeader('Origin', `https://play.example\r\nSec-WebSocket-Protocol: ${token}`);
    const { status, head } = await knock(alone);
    expect({ status, isRepeated: head.includes('eyJ') }).toEqual({ status: '101', isRepeated: false });
  });

  test('holds no place of the node', async () => {
    const open = await world.metric('fanout_sockets');
    for (let tries = 0; tries < 3; tries += 1) await closeOf(world.url, [], 'https://evil.test');
    expect(await world.metric('fanout_sockets')).toBe(open);
  });
});

test.each(['/live/', '//live', '//live//', '/live?epoch=1&seq=1', '/live/?epoch=1&seq=1'])(
  'the socket is at %s too',
  async (path) => {
    expect((await knock(handshake(path))).status).toBe('101');
  },
);

describe('a handshake', () => {
  test('accepts no extension, since compression would cost memory for each socket', async () => {
    const { status, head } = await knock(
      withHeader('Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'),
    );
    expect(status).toBe('101');
    expect(head).not.toMatch(/sec-websocket-extensions/i);
  });

  test.each([
    ['without a key', without('Sec-WebSocket-Key'), '426'],
    ['with a key that is too short', withHeader('Sec-WebSocket-Key', 'abc'), '426'],
    ['without a version', without('Sec-WebSocket-Version'), '400'],
    ['of an older version', withHeader('Sec-WebSocket-Version', '8'), '400'],
    ['whose connection is kept and not upgraded', withHeader('Connection', 'keep-alive'), '400'],
    ['without a word about its connection', without('Connection'), '400'],
    ['with two keys', handshake().replace(/Sec-WebSocket-Key.*\r\n/, '$&$&'), '400'],
    ['that upgrades to nothing', without('Upgrade'), '400'],
    ['that upgrades to something else', withHeader('Upgrade', 'h2c'), '400'],
    ['with POST', handshake('/live', {}, 'POST'), '404'],
    ['elsewhere', handshake('/other'), '404'],
    ['without a host', without('Host'), '400'],
    ['of HTTP/1.0', handshake().replace('HTTP/1.1', 'HTTP/1.0'), '505'],
    ['with headers over 16 KiB', withHeader('X-Long', 'a'.repeat(17_000)), '431'],
    ['with an unknown subprotocol', withHeader('Sec-WebSocket-Protocol', 'chat'), '400'],
    ['with two tokens', withHeader('Sec-WebSocket-Protocol', 'scoreboard.v1, bearer.a, bearer.b'), '400'],
    [
      'with two tokens in two lines',
      withHeader('Sec-WebSocket-Protocol', 'scoreboard.v1, bearer.a\r\nSec-WebSocket-Protocol: bearer.b'),
      '400',
    ],
  ])('%s is refused', async (_, opening, status) => {
    expect((await knock(opening)).status).toBe(status);
  });
});

test('the Connection header of Firefox, "keep-alive, Upgrade", is accepted', async () => {
  expect((await knock(withHeader('Connection', 'keep-alive, Upgrade'))).status).toBe('101');
});

describe('a token', () => {
  test.each([
    ['one line', 'scoreboard.v1, bearer.TOKEN'],
    ['a second line', 'scoreboard.v1\r\nSec-WebSocket-Protocol: bearer.TOKEN'],
    ['the first of two lines', 'bearer.TOKEN\r\nsec-websocket-protocol: scoreboard.v1'],
  ])('is found in %s of the subprotocol header', async (_, form) => {
    const protocols = form.replace('TOKEN', await world.auth.token('alice'));
    const socket = await openRaw(world.node.port, withHeader('Sec-WebSocket-Protocol', protocols));
    expect(socket.head).toMatch(/Sec-WebSocket-Protocol: scoreboard\.v1(\r\n|$)/i);
    await waitFor(async () => {
      version += 1;
      await world.publish(undefined, [{ userId: 'alice', score: 1, rank: 1, version }]);
      return socket.frames.some(({ payload }) => payload.includes('"userId":"alice"')) || undefined;
    });
    socket.destroy();
  });

  test.each(['token', 'access_token', 'jwt', 'auth', 'authorization', 'bearer', 'TOKEN', 'x-auth-token'])(
    'is refused in the query as %s',
    async (name) => {
      const { status, body } = await refusal(`${world.url}?${name}=abc`);
      expect({ status, reason: body.reason }).toEqual({ status: 400, reason: 'TOKEN_IN_URL' });
    },
  );

  test('is refused in the query under any name, and not repeated in the answer', async () => {
    const token = await world.auth.token('alice');
    for (const value of [token, `Bearer%20${token}`, `bearer.${token}`]) {
      const { body } = await refusal(`${world.url}?q=${value}`);
      expect(body.reason).toBe('TOKEN_IN_URL');
      expect(JSON.stringify(body)).not.toContain('eyJ');
    }
  });

  test('is not echoed if it is offered as a subprotocol', async () => {
    const token = await world.auth.token('alice');
    const { head } = await knock(withHeader('Sec-WebSocket-Protocol', `scoreboard.v1, bearer.${token}`));
    expect(head).toMatch(/Sec-WebSocket-Protocol: scoreboard\.v1(\r\n|$)/i);
    expect(head).not.toContain('eyJ');
  });
});

test('requests are counted by route and status; a path that is no route has one label', async () => {
  const count = (label: string) => metricOf(world.node, 'fanout_requests_total', label);
  const labels = [
    ...['route="/live",status="101"', 'route="/live",status="426"'],
    ...['route="other",status="404"', 'route="/healthz",status="200"'],
  ];
  const before = await Promise.all(labels.map(count));
  await knock(handshake());
  const base = world.url.replace('ws:', 'http:');
  for (const path of ['', '/../a', '/../b', '/../healthz']) await fetch(`${base}${path}`);
  const after = await Promise.all(labels.map(count));
  expect(after.map((value, at) => value - (before[at] ?? 0))).toEqual([1, 1, 2, 1]);
});

test('a handshake that is never completed is ended by uWebSockets.js within 15 s', async () => {
  const openings = [
    '',
    'GET /live HTTP/1.1\r\nHost: x\r\n',
    // A header that is not text is never taken for complete.
    withHeader('Origin', 'https://play.example\0'),
  ];
  const sockets = await Promise.all(openings.map((opening) => openRaw(world.node.port, opening)));
  for (const { ended, head } of sockets) expect({ ended, head }).toEqual({ ended: true, head: '' });
});
