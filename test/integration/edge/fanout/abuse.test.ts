/** Sockets that send too much or read too little: only they are closed, and others go on as before. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_BACKPRESSURE_BYTES } from '../../../../edge/fanout/hub/limits.ts';
import { BAD_MESSAGES_ALLOWED, MESSAGES_PER_SOCKET } from '../../../../edge/fanout/sockets/limits.ts';
import { growsStrictly, type LiveClient, openLive, positions } from '../../../support/clients/live-client.ts';
import { frame, OPCODE, openRaw, text } from '../../../support/clients/raw-socket.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

let world: FanoutWorld;
let bystander: LiveClient;
let seq = 0;

beforeAll(async () => {
  world = await startFanoutWorld({ env: { SLOW_CONSUMER_MS: '1000', TICK_MS: '1' } });
  await world.feedHealthy();
  bystander = await openLive(world.url);
});
afterAll(() => world.stop());

/** A board whose frame takes about 3 KB. */
async function publishLarge(): Promise<void> {
  seq += 1;
  const entries = Array.from({ length: 10 }, (_, index) => ({
    userId: `${index}`.padEnd(128, 'x'),
    score: seq + 10 - index,
  }));
  await world.publish({ seq, entries });
}

async function othersGoOn(): Promise<void> {
  await publishLarge();
  await bystander.frame((heard) => heard.seq === seq);
  expect(growsStrictly(positions(bystander.frames))).toBe(true);
}

const many = (count: number, bytes: Buffer) => Array.from({ length: count }, () => bytes);
const memoryMib = () => process.memoryUsage().rss / 1024 / 1024;

test.each([
  ['pings', frame({ opcode: OPCODE.PING, payload: 'x' })],
  ['pongs', frame({ opcode: OPCODE.PONG, payload: 'x' })],
  ['messages', text('{"type":"ping"}')],
])('a flood of %s closes its socket with 4029', async (_, bytes) => {
  const socket = await openRaw(world.node.port);
  socket.write(...many(10_000, bytes));
  expect(await socket.closed()).toBe(4029);
  const answers = socket.frames.filter(
    ({ opcode, payload }) => opcode === OPCODE.PONG || payload.includes('"pong"'),
  );
  // uWebSockets.js answers a ping before anybody else hears of it.
  expect(answers.length).toBeLessThanOrEqual(MESSAGES_PER_SOCKET.burst + 1);
  socket.destroy();
  await othersGoOn();
});

test('several undocumented messages close their socket with 4400', async () => {
  const socket = await openRaw(world.node.port);
  socket.write(...many(BAD_MESSAGES_ALLOWED + 1, text('{"type":"__proto__"}')));
  expect(await socket.closed()).toBe(4400);
  socket.destroy();
  await othersGoOn();
});

test('twenty sockets that never read cost only their buffers and are closed; others miss nothing', async () => {
  const SLOW = 20;
  const slow = await Promise.all(many(SLOW, Buffer.alloc(0)).map(() => openRaw(world.node.port)));
  for (const { tcp } of slow) tcp.pause();
  const before = memoryMib();
  const behind = async () => (await world.metric('fanout_sockets_behind')) > SLOW / 2 || undefined;
  // The kernel takes megabytes for each of them before the node has to hold anything back.
  await waitFor(
    async () => {
      for (let count = 0; count < 50; count += 1) await publishLarge();
      return behind();
    },
    { describe: 'sockets that are behind' },
  );
  await othersGoOn();
  const allowedMib = (SLOW * MAX_BACKPRESSURE_BYTES) / 1024 / 1024 + 100;
  expect(memoryMib() - before).toBeLessThan(allowedMib);
  await waitFor(async () => (await world.metric('fanout_sockets_behind')) === 0 || undefined);
  await othersGoOn();
  for (const socket of slow) socket.destroy();
});

test('a socket that reads slowly gets the newest board when it catches up, not every board', async () => {
  const slow = await openRaw(world.node.port);
  slow.tcp.pause();
  for (let count = 0; count < 20; count += 1) await publishLarge();
  await othersGoOn();
  slow.tcp.resume();
  await slow.frame(({ payload }) => payload.includes(`"seq":${seq}`));
  slow.destroy();
});
