/** What bounds the callers of the demo game server, and what it does without the auth service and when it stops. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseTrustedProxies } from '../../../services/shared/net/client-address.ts';
import { parseNetworks } from '../../../services/shared/net/networks.ts';
import { ask, bearer, speak } from '../../support/clients/edge-client.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { GameWorld } from '../../support/worlds/game-world.ts';
import { expectRefusal, startLoggedGame } from './logged-game.ts';

let logged: Awaited<ReturnType<typeof startLoggedGame>>;
let world: GameWorld;
beforeAll(async () => {
  logged = await startLoggedGame();
  ({ world } = logged);
});
afterAll(() => world.stop());

/** The status of a sign-in that our proxy passed on, with a line for each address. */
async function signInFrom(port: number, ...addresses: string[]): Promise<number> {
  const body = '{"username":"Ann"}';
  const head = `POST /v1/players HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  const forwarded = addresses.map((address) => `X-Forwarded-For: ${address}`).join('\r\n');
  const { heard } = await speak(port, [`${head}\r\n${forwarded}\r\n\r\n${body}`], (all) => all.endsWith('}'));
  return Number(/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1]);
}

describe('limits', () => {
  test('bound the new players of one address, and say when to retry', async () => {
    const node = await world.startNode({ signIns: { perMinute: 3, exempt: parseNetworks([]) } });
    const create = () =>
      ask(`${node.base}/v1/players`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"username":"Ann"}',
      });
    for (let index = 0; index < 3; index += 1) expect((await create()).status).toBe(201);
    const refused = await create();
    expectRefusal(refused, 429, 'RATE_LIMITED');
    expect(refused.headers.get('retry-after')).toBe('20');
    world.clock.nowMs += 20_000;
    expect((await create()).status).toBe(201);
    await node.stop();
  });

  test('count the address that our proxy names, in any line of the header', async () => {
    const changes = { trustedProxies: parseTrustedProxies({ TRUSTED_PROXIES: '127.0.0.0/8' }) };
    const node = await world.startNode({ ...changes, signIns: { perMinute: 3, exempt: parseNetworks([]) } });
    const statusFor = (made: string, named: string) => signInFrom(node.port, made, named);
    const heard: number[] = [];
    for (let index = 0; index < 4; index += 1)
      heard.push(await statusFor(`198.51.100.${index}`, `203.0.113.8:${50_000 + index}`));
    expect(heard).toEqual([201, 201, 201, 429]);
    expect(await statusFor('203.0.113.8', '203.0.113.9')).toBe(201);
    await node.stop();
  });

  test('bound the new players of an IPv6 site to those of four addresses', async () => {
    const changes = { trustedProxies: parseTrustedProxies({ TRUSTED_PROXIES: '127.0.0.0/8' }) };
    const node = await world.startNode({ ...changes, signIns: { perMinute: 3, exempt: parseNetworks([]) } });
    const heard: number[] = [];
    for (let network = 1; network <= 14; network += 1)
      heard.push(await signInFrom(node.port, `2001:db8:0:${network}::1`));
    expect(heard).toEqual([...Array.from({ length: 12 }, () => 201), 429, 429]);
    expect(await signInFrom(node.port, '2001:db8:1:1::1')).toBe(201);
    await node.stop();
  });

  test('bound the requests of one address before their tokens are verified', async () => {
    const node = await world.startNode({ signIns: { perMinute: 3, exempt: parseNetworks([]) } });
    const reasons = new Map<string, number>();
    for (let round = 0; round < 42; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          ask(`${node.base}/v1/rounds`, { method: 'POST', headers: bearer('eyJ.forged.token') }),
        ),
      );
      for (const { body } of answers) reasons.set(body.reason, (reasons.get(body.reason) ?? 0) + 1);
    }
    expect(Object.fromEntries(reasons)).toEqual({ TOKEN_INVALID: 2_000, RATE_LIMITED: 100 });
    await node.stop();
  });

  test('leave half of all connections to other addresses', async () => {
    const { connections, signIns } = {
      connections: 10,
      signIns: { perMinute: 3, exempt: parseNetworks([]) },
    };
    const node = await world.startNode({ connections, signIns });
    const open = () =>
      new Promise<{ socket: ReturnType<typeof connect>; isKept: boolean }>((resolve) => {
        const socket = connect(node.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.on('close', () => resolve({ socket, isKept: false }));
        // What Node could not read is answered, so it was let in.
        socket.on('data', () => resolve({ socket, isKept: true }));
        socket.on('connect', () =>
          socket.write('POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'),
        );
      });
    const sockets = [];
    for (let index = 0; index < 7; index += 1) sockets.push(await open());
    expect(sockets.map(({ isKept }) => isKept)).toEqual([true, true, true, true, true, false, false]);
    sockets[0]?.socket.destroy();
    await waitFor(async () => (await open()).isKept || undefined);
    for (const { socket } of sockets) socket.destroy();
    await node.stop();
  });

  test("bound a player's new rounds and new tokens, and do not affect other players", async () => {
    const [eager, other] = [await world.player(), await world.player()];
    for (let index = 0; index < 10; index += 1) {
      expect((await world.post('/v1/rounds', eager.accessToken)).status).toBe(201);
      expect((await world.post('/v1/players/refresh', eager.accessToken)).status).toBe(200);
    }
    const refused = await world.post('/v1/rounds', eager.accessToken);
    expectRefusal(refused, 429, 'RATE_LIMITED');
    expect(refused.headers.get('ratelimit-policy')).toBe('"user";q=20;w=20');
    expectRefusal(await world.post('/v1/players/refresh', eager.accessToken), 429, 'RATE_LIMITED');
    expect((await world.post('/v1/rounds', other.accessToken)).status).toBe(201);
  });
});

describe('without the auth service', () => {
  test('is not ready before it has the keys, and becomes ready by itself', async () => {
    const player = await world.player();
    await world.authWorld.auth.stop();
    const node = await world.startNode();
    const early = await ask(`${node.admin}/readyz`);
    expect(early).toMatchObject({ status: 503, body: { checks: { keys: false } } });
    const refused = await ask(`${node.base}/v1/rounds`, {
      method: 'POST',
      headers: bearer(player.accessToken),
    });
    expectRefusal(refused, 503, 'AUTH_UNAVAILABLE');
    await world.authWorld.restart();
    await waitFor(async () => ((await ask(`${node.admin}/readyz`)).status === 200 ? true : undefined));
    await node.stop();
  });
});

/** Stops a node while a request is under way. Returns what its caller heard, until the connection closed. */
async function stopDuringRequest(): Promise<string> {
  const node = await world.startNode();
  const socket = connect(node.port, '127.0.0.1');
  let heard = '';
  socket.on('data', (part) => {
    heard += part;
  });
  const closed = once(socket, 'close');
  const body = '{"username":"Ann"}';
  const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue`;
  socket.write(`POST /v1/players HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n`);
  await waitFor(() => heard.includes('100 Continue') || undefined);
  const stopped = node.stop();
  socket.write(body);
  await stopped;
  await closed;
  await expect(ask(node.base)).rejects.toThrow();
  return heard;
}

test('answers requests under way when it stops, and closes the connection', async () => {
  const heard = await waitFor(async () => {
    const answer = await stopDuringRequest();
    return answer.includes('STORE_UNAVAILABLE') ? undefined : answer;
  });
  expect(heard).toContain('HTTP/1.1 201 Created');
  expect(heard.toLowerCase()).toContain('connection: close');
});

test('no token, signature or key is logged, and nothing was logged as an error', () => {
  logged.expectCleanLog();
});
