/** A fan-out node while NATS, the rank service, or both are down: boards stay correct or are marked stale. */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { growsStrictly, type LiveClient, openLive, positions } from '../../../support/clients/live-client.ts';
import { BUSY_MS, waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

/** How long a board may take to reach every socket after a fault. */
const HEALED_WITHIN_MS = 5_000 + 2 * BUSY_MS;
let world: FanoutWorld;
let client: LiveClient;
let seq = 1;
const logLines: string[] = [];

const boardAt = (at: number) => ({ seq: at, entries: [{ userId: 'ann', score: at }] });
const next = () => {
  seq += 1;
  return boardAt(seq);
};
const sees = (at: number) =>
  waitFor(() => client.frames.find((frame) => frame.seq === at && frame.leaderboard !== undefined), {
    limitMs: HEALED_WITHIN_MS,
    describe: `board ${at}`,
  });
const timesRefused = () => logLines.filter((line) => line.includes('NATS: it refuses our user')).length;
const staleFrames = () => client.frames.filter(({ stale }) => stale === true);

beforeAll(async () => {
  world = await startFanoutWorld({ log: pino({ level: 'error' }, { write: (line) => logLines.push(line) }) });
  world.rank.set(boardAt(seq));
  await world.feedHealthy();
  client = await openLive(world.url);
  await client.frame(({ stale }) => stale === false);
});

afterAll(async () => {
  client?.close();
  await world?.stop();
});

test('while NATS is down boards are polled, arrive within seconds, and are not stale', async () => {
  await world.killNats();
  const before = staleFrames().length;
  for (let change = 0; change < 3; change += 1) {
    world.rank.set(next());
    await sees(seq);
  }
  expect(staleFrames()).toHaveLength(before);
  await world.startNats({ empty: true });
  await world.feedHealthy();
  await world.publish(next());
  world.rank.set(boardAt(seq));
  await sees(seq);
});

test('a NATS that hangs is noticed by its silence, and boards are polled meanwhile', async () => {
  world.pauseNats();
  const before = staleFrames().length;
  world.rank.set(next());
  await sees(seq);
  await waitFor(async () => (await world.metric('fanout_feed_healthy')) === 0 || undefined);
  world.rank.set(next());
  await sees(seq);
  world.resumeNats();
  await world.feedHealthy();
  await world.publish(next());
  world.rank.set(boardAt(seq));
  await sees(seq);
  expect(staleFrames()).toHaveLength(before);
});

test('a NATS that refuses the node for a while costs no socket, and is read again', async () => {
  await world.killNats();
  await world.startForeignNats();
  await waitFor(() => timesRefused() > 0 || undefined);
  world.rank.set(next());
  await sees(seq);
  await world.killNats();
  await world.startNats();
  await world.feedHealthy();
  await world.publish(next());
  world.rank.set(boardAt(seq));
  await sees(seq);
});

test('a stream that was deleted is created again, and events are read again', async () => {
  await world.deleteStream();
  await world.publish(next());
  world.rank.set(boardAt(seq));
  await sees(seq);
  await world.feedHealthy();
});

test('while neither NATS nor the rank service answers, boards are marked stale within two seconds', async () => {
  await world.killNats();
  world.rank.setDown(true);
  const started = performance.now();
  const frame = await waitFor(() => client.frames.at(-1)?.stale === true || undefined);
  expect(frame).toBe(true);
  expect(performance.now() - started).toBeLessThan(2_000 + BUSY_MS);
  const late = await openLive(world.url);
  expect(await late.frame(() => true)).toMatchObject({ event: 'score:snapshot', seq, stale: true });
  late.close();

  world.rank.setDown(false);
  world.rank.set(next());
  expect((await sees(seq)).stale).toBe(false);
  await world.startNats();
  await world.feedHealthy();
});

test('a board is stale while the rank service answers that it is', async () => {
  const seen = client.frames.length;
  world.rank.set({ ...boardAt(seq), stale: true });
  await waitFor(() => client.frames.slice(seen).some(({ stale }) => stale === true) || undefined);
  world.rank.set(boardAt(seq));
  await waitFor(() => client.frames.at(-1)?.stale === false || undefined);
});

test('through all of this no socket got a board twice or an older one', () => {
  expect(growsStrictly(positions(client.frames))).toBe(true);
});
