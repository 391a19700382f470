import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type AuthWorld, startAuthWorld } from '../../support/worlds/auth-world.ts';

const ACTION = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
const PATIENT = { limitMs: 30_000 };
/** By contract, for the whole crowd. */
const LIMIT_MS = 2_000;
/** More than two statements of the store take, so that waiting for each of them in turn would pass the limit. */
const CROWD = 1_200;
/** The first statement's deadline, for which all may wait. */
const ONE_WAIT_MS = 800;

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
/** How long a crowd of callers took to be refused, and with which reasons. */
async function refuseCrowd(userIdOf: (caller: number) => string) {
  const client = world.as('game');
  const started = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: CROWD }, (_, caller) => client.issueToken({ userId: userIdOf(caller) }, PATIENT)),
  );
  const tookMs = performance.now() - started;
  const reasons = outcomes.map((outcome) =>
    outcome.status === 'rejected' ? outcome.reason.reason : 'issued',
  );
  return { tookMs, reasons: [...new Set(reasons)] };
}

/** What a crowd costs here and now that is refused without a look at the database. */
async function costOfCrowd(): Promise<number> {
  const { tookMs, reasons } = await refuseCrowd(() => '');
  expect(reasons).toEqual(['USER_ID_INVALID']);
  return tookMs;
}

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
    await eventually(() => issue());
    const costBeforeMs = await costOfCrowd();
    breakLink();
    const rounds = [];
    for (let round = 0; round < 3; round += 1) rounds.push(await refuseCrowd((caller) => `user${caller}`));
    const costMs = Math.max(costBeforeMs, await costOfCrowd());
    // A machine on which the calls alone take that long keeps no contract; there one wait must still be enough for all.
    const limitMs = Math.max(LIMIT_MS, ONE_WAIT_MS + 2 * costMs);
    for (const { tookMs, reasons } of rounds) {
      expect(reasons).toEqual(['STORE_UNAVAILABLE']);
      expect(tookMs).toBeLessThan(limitMs);
    }
  });

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
