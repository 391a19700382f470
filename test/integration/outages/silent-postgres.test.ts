/** A Postgres that does not answer, with everything else well: every screen hears soon that its board may be old. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Frame, type LiveClient, openLive } from '../../support/clients/live-client.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../support/worlds/whole-world.ts';

/** Two seconds, and what a busy machine adds. */
const TOLD_WITHIN_MS = 3_000;
const BOARDS = ['global', 'weekly', 'monthly'];
/** The moment of the silence falls differently between two polls each time. */
const TIMES = [1, 2, 3];
let world: WholeWorld;
let client: LiveClient;

const newest = (leaderboard: string): Frame | undefined =>
  client.frames.findLast((frame) => frame.leaderboardId === leaderboard && frame.stale !== undefined);
const allSay = (stale: boolean) => BOARDS.every((board) => newest(board)?.stale === stale) || undefined;

beforeAll(async () => {
  world = await startWholeWorld({ each: 1 });
  client = await openLive(world.fanoutUrls[0] ?? '');
  for (const leaderboard of BOARDS.slice(1)) client.send({ type: 'subscribe', leaderboard });
  await waitFor(() => allSay(false));
});

afterAll(async () => {
  client?.close();
  await world?.stop();
});

test.each(TIMES)('every board is told to be stale, and to be fresh again (time %i)', async () => {
  world.pause('postgres');
  try {
    const told = await waitFor(() => allSay(true), { limitMs: TOLD_WITHIN_MS, describe: 'stale boards' });
    expect(told).toBe(true);
  } finally {
    world.resume('postgres');
  }
  await waitFor(() => allSay(false), { describe: 'fresh boards' });
});
