import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type AuthWorld, startAuthWorld } from '../../support/worlds/auth-world.ts';

const ACTION = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
const PATIENT = { limitMs: 30_000 };

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
  test('everything that needs no database continues', async () => {
    await eventually(() => issue());
    const { accessToken } = await issue();
    breakLink();
    await eventually(async () => expect((await checks()).dependencies?.database).toBe(false));
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
    await eventually(() => issue());
    await eventually(async () => expect((await checks()).dependencies?.database).toBe(true));
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
