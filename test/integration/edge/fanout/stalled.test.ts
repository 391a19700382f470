/**
 * A thousand sockets of one node stop reading: they cost the node no memory, and other sockets get boards as before. The unread
 * frames are in the kernel's buffers here. Sockets whose kernel buffers are full are tested in abuse.test.ts, twenty of them,
 * since a thousand would take gigabytes of kernel memory.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { growsStrictly, type LiveClient, openLive, positions } from '../../../support/clients/live-client.ts';
import { openRaw, type RawSocket } from '../../../support/clients/raw-socket.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

const STALLED = 1_000;
/** Several times what the kernel buffers for a stalled reader (64 KiB), so that each connection stalls. */
const BOARDS = 80;
/** The size of a frame with such names. */
const FRAME_KIB = 3;

let world: FanoutWorld;
let bystander: LiveClient;
let stalled: RawSocket[] = [];
let seq = 0;

beforeAll(async () => {
  world = await startFanoutWorld({ env: { TICK_MS: '1' } });
  await world.feedHealthy();
  bystander = await openLive(world.url);
});
afterAll(async () => {
  for (const socket of stalled) socket.destroy();
  await world.stop();
});

/** Publishes boards one after the other and returns how long each took to reach the bystander, in milliseconds. */
async function publishAndSee(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    seq += 1;
    const entries = Array.from({ length: 10 }, (_, place) => ({
      userId: `${place}`.padEnd(128, 'x'),
      score: seq + 10 - place,
    }));
    const seen = bystander.frame((heard) => heard.seq === seq);
    const startedAt = performance.now();
    await world.publish({ seq, entries });
    await seen;
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b);
}
const median = (sorted: readonly number[]) => sorted[sorted.length >> 1] ?? 0;
const memoryMib = () => process.memoryUsage().rss / 1024 / 1024;

test('a thousand stalled sockets cost neither memory nor the time of others', async () => {
  const alone = await publishAndSee(BOARDS);
  for (let opened = 0; opened < STALLED; opened += 100) {
    const more = await Promise.all(Array.from({ length: 100 }, () => openRaw(world.node.port)));
    for (const { tcp } of more) tcp.pause();
    stalled = [...stalled, ...more];
  }
  await waitFor(async () => (await world.metric('fanout_sockets')) === STALLED + 1 || undefined);
  await publishAndSee(5);
  const before = memoryMib();
  const beside = await publishAndSee(BOARDS);
  // Had the node kept for each of them what was sent to it, it would have grown by twice of this.
  expect(memoryMib() - before).toBeLessThan((STALLED * BOARDS * FRAME_KIB) / 1024 / 2);
  // Each board is written a thousand times now, which takes some milliseconds.
  expect(median(beside)).toBeLessThan(20 * median(alone) + 100);
  expect(growsStrictly(positions(bystander.frames))).toBe(true);
});
