/** Connections to a real edge: clients that open too many or keep them open, and the clients that are served meanwhile. */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { speak } from '../../../support/clients/edge-client.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let node: { port: number; stop(): Promise<void> } | undefined;
let sockets: { socket: Socket; ended: boolean }[] = [];
beforeAll(async () => {
  world = await startEdgeWorld();
});
afterAll(() => world.stop());
afterEach(async () => {
  for (const { socket } of sockets) socket.destroy();
  sockets = [];
  await node?.stop();
  node = undefined;
});

async function start(env: Record<string, string>): Promise<number> {
  // A probe of its readiness would take a connection.
  node = await world.startNode(env, { untilReady: false });
  return node.port;
}

/** Connections that say nothing. */
async function open(port: number, count: number): Promise<void> {
  const added = Array.from({ length: count }, () => {
    const each = { socket: connect(port, '127.0.0.1'), ended: false };
    each.socket.on('error', () => undefined);
    each.socket.on('close', () => {
      each.ended = true;
    });
    // A socket that is not read does not report its end.
    each.socket.resume();
    return each;
  });
  sockets.push(...added);
  await Promise.all(
    added.map((each) => waitFor(() => each.ended || each.socket.readyState === 'open' || undefined)),
  );
}
const ended = () => sockets.filter((each) => each.ended).length;

const GET = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
const answer = (port: number) => speak(port, [GET], (heard) => heard.includes('\r\n\r\n'));

test('an address that opens more connections than its burst keeps the first ones and loses the rest', async () => {
  const limits = { RATE_CONNECT_PER_S: '1', RATE_CONNECT_BURST: '20', RATE_ADDRESS_EXEMPT: '-' };
  const port = await start(limits);
  const startedMs = performance.now();
  await open(port, 40);
  // One more comes back each second.
  const refilled = () => Math.ceil((performance.now() - startedMs) / 1000);
  await waitFor(() => ended() >= 20 - refilled() || undefined, { describe: 'the end of what is too much' });
  expect(ended()).toBeLessThanOrEqual(20);
  const [first] = sockets.filter((each) => !each.ended);
  let heard = '';
  first?.socket.on('data', (chunk) => {
    heard += chunk.toString();
  });
  first?.socket.write(GET);
  await waitFor(() => heard.includes('200 OK') || undefined);
});

test.each([
  ['exempt', { RATE_ADDRESS_EXEMPT: '127.0.0.0/8' }],
  ['of a proxy of ours', { RATE_ADDRESS_EXEMPT: '-', TRUSTED_PROXIES: '127.0.0.0/8' }],
])('connections that are %s are not counted by address', async (_, exempt) => {
  const port = await start({ RATE_CONNECT_PER_S: '1', RATE_CONNECT_BURST: '1', ...exempt });
  await open(port, 50);
  expect((await answer(port)).heard).toContain('200 OK');
  expect(ended()).toBe(0);
});

test('a full node closes the next connection, serves the others, and accepts more when some have ended', async () => {
  const port = await start({ MAX_CONNECTIONS: '30' });
  await open(port, 30);
  expect(await answer(port)).toEqual({ heard: '', closed: true });
  for (const { socket } of sockets.splice(0, 10)) socket.destroy();
  await waitFor(async () => (await answer(port)).heard.includes('200 OK') || undefined);
  expect(ended()).toBe(0);
});

test('an answer closes its connection only while more than half of the connections are open', async () => {
  const port = await start({ MAX_CONNECTIONS: '40' });
  await open(port, 10);
  expect(await answer(port)).toMatchObject({ closed: false });
  await open(port, 15);
  const { heard, closed } = await speak(port, [GET]);
  expect(heard).toContain('200 OK');
  expect(heard.toLowerCase()).toContain('connection: close');
  expect(closed).toBe(true);
});
