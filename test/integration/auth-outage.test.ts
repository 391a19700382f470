import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AuthWorld, startAuthWorld } from '../support/auth-world.ts';

const ACTION = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
const PATIENT = { deadlineMs: 10_000 };
/** By contract, for the whole crowd. */
const LIMIT_MS = 2_000;
const RECOVERY = { timeout: 8_000, interval: 50 };

let world: AuthWorld;
beforeAll(async () => {
  world = await startAuthWorld();
});
afterEach(() => {
  world.link.thaw();
  world.link.mend();
});
afterAll(() => world.stop());

const issue = (userId = 'alice') => world.as('game').issueToken({ userId }, PATIENT);
async function checks() {
  const response = await fetch(`http://127.0.0.1:${world.auth.adminPort}/readyz`);
  const { checks, dependencies } = (await response.json()) as Record<string, Record<string, boolean>>;
  return { status: response.status, checks, dependencies };
}

describe.each([
  ['cut off', () => world.link.cut()],
  ['frozen', () => world.link.freeze()],
])('while the database is %s', (_, breakLink) => {
  test('tokens are refused with STORE_UNAVAILABLE within two seconds, also in a crowd', async () => {
    await vi.waitFor(() => issue(), RECOVERY);
    breakLink();
    for (let round = 0; round < 3; round += 1) {
      const client = world.as('game');
      const started = performance.now();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 1_200 }, (_, index) => client.issueToken({ userId: `user${index}` }, PATIENT)),
      );
      expect(performance.now() - started).toBeLessThan(LIMIT_MS);
      const reasons = new Set(
        outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.reason : 'issued')),
      );
      expect([...reasons]).toEqual(['STORE_UNAVAILABLE']);
    }
  });

  test('everything that needs no database goes on', async () => {
    await vi.waitFor(() => issue(), RECOVERY);
    const { accessToken } = await issue();
    breakLink();
    await vi.waitFor(async () => expect((await checks()).dependencies?.database).toBe(false), RECOVERY);
    expect(await checks()).toMatchObject({ status: 200, checks: { keys: true } });
    expect((await world.as('edge').getKeySet({}, PATIENT)).jwksJson).toContain('"keys"');
    expect(await world.as('edge').verifyToken({ accessToken }, PATIENT)).toMatchObject({ userId: 'alice' });
    const { signature } = await world.as('game').signAction({ action: ACTION }, PATIENT);
    const { verdicts } = await world
      .as('score')
      .verifyActions({ actions: [{ action: ACTION, signature }] }, PATIENT);
    expect(verdicts).toMatchObject([{ status: 1 }]);
  });

  test('tokens are issued again soon after it is back', async () => {
    breakLink();
    await expect(issue()).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
    world.link.thaw();
    world.link.mend();
    await vi.waitFor(() => issue(), RECOVERY);
    await vi.waitFor(async () => expect((await checks()).dependencies?.database).toBe(true), RECOVERY);
  });

  test('the service starts and publishes its keys', async () => {
    breakLink();
    await world.restart();
    expect((await world.as('edge').getKeySet({}, PATIENT)).jwksJson).toContain('"keys"');
    expect(await checks()).toMatchObject({
      status: 200,
      checks: { keys: true },
      dependencies: { database: false },
    });
  });
});
