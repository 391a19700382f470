/** Bots that cheat by every way a player has, against the real edge: each is refused or flagged, and the board stays as it was. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submit } from '../../support/clients/edge-client.ts';
import { patient } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../support/worlds/whole-world.ts';

const call = { limitMs: 30_000 };
const BOARD = 'arena';

let world: WholeWorld;
let edge: string;

beforeAll(async () => {
  world = await startWholeWorld({
    each: 1,
    edgeEnv: {
      ...{ RATE_USER_PER_S: '1', RATE_USER_BURST: '40', RATE_ADDRESS_PER_S: '1', RATE_ADDRESS_BURST: '60' },
      // Tests share an address: each of them comes through a proxy from one of its own.
      ...{ RATE_ADDRESS_EXEMPT: '-', TRUSTED_PROXIES: '127.0.0.0/8' },
    },
  });
  edge = world.edgeUrls[0] ?? '';
  const limits = { leaderboard: BOARD, maxPoints: 100n, maxWindowActions: 20n, windowMs: 60_000n };
  await world.limitsAs('cli').setLimits({ limits }, call);
  await world
    .limitsAs('cli')
    .setLimits({ limits: { leaderboard: BOARD, kind: 'level', minIntervalMs: 30_000n } }, call);
  const probe = await bot('probe', '203.0.113.1');
  await waitFor(async () => ((await probe.play('coin_', 101n)).status === 422 ? true : undefined));
  const honest = await bot('honest', '203.0.113.2');
  expect((await honest.play('coin_', 60n)).status).toBe(200);
});

afterAll(() => world?.stop());

let made = 0;

/** A player whose game server believes whatever the client says, and signs it. */
async function bot(userId: string, address: string) {
  const auth = patient(world.authAs('game'));
  const { accessToken } = await auth.issueToken({ userId, username: userId }, call);
  return {
    async play(prefix: string, points: bigint, leaderboard = BOARD) {
      made += 1;
      const actionId = `${prefix}${made}`;
      const { signature } = await auth.signAction(
        { action: { leaderboard, userId, actionId, points } },
        call,
      );
      const fields = { leaderboard, actionId, points: Number(points), signature };
      return submit(edge, accessToken, fields, { 'x-forwarded-for': address });
    },
  };
}

async function board(): Promise<unknown> {
  const response = await fetch(`${edge}/api/v1/scoreboard/top?leaderboard=${BOARD}`, {
    headers: { 'x-forwarded-for': '203.0.113.99' },
  });
  return response.json();
}

const flagged = (userId: string, reason: string) =>
  waitFor(
    async () =>
      (await world.limitsAs('cli').listFlags({}, call)).flags.find(
        (flag) => flag.userId === userId && flag.reason === reason,
      ),
    { describe: 'a flag' },
  );

describe('a bot', () => {
  it('with more points than one action can have is refused each time and flagged', async () => {
    const cheat = await bot('over-cap', '203.0.113.10');
    for (const points of [101n, 5_000n, 2n ** 53n - 1n]) {
      const answer = await cheat.play('coin_', points);
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'out_of_range', reason: 'POINTS_OVER_CAP' },
      });
      expect(answer.headers.get('retry-after')).toBeNull();
    }
    await flagged('over-cap', 'POINTS_OVER_CAP');
  });

  it('that is done sooner than anybody can be is told to wait and flagged', async () => {
    const cheat = await bot('too-fast', '203.0.113.11');
    const answers = [];
    for (let index = 0; index < 4; index += 1) answers.push(await cheat.play('level_', 1n));
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 429, 429]);
    expect(answers[1]?.body).toMatchObject({ reason: 'TOO_SOON' });
    expect(Number(answers[1]?.headers.get('retry-after'))).toBeGreaterThan(20);
    await flagged('too-fast', 'TOO_SOON');
  });

  it('that plays at the highest rate is held to the window of the board and flagged', async () => {
    const cheat = await bot('max-rate', '203.0.113.12');
    const answers = await Promise.all(Array.from({ length: 30 }, () => cheat.play('coin_', 1n)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    expect(refused[0]?.body).toMatchObject({ code: 'resource_exhausted', reason: 'WINDOW_ACTIONS_EXCEEDED' });
    await flagged('max-rate', 'WINDOW_ACTIONS_EXCEEDED');
  });

  it('is held to the rate of a player where a board has no limits', async () => {
    const cheat = await bot('flood', '203.0.113.13');
    const answers = await Promise.all(Array.from({ length: 50 }, () => cheat.play('coin_', 1n, 'free')));
    const reasons = new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.reason));
    expect(reasons).toEqual(new Set(['RATE_LIMITED']));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThan(50);
  });

  it('with many accounts is held to the rate of its address', async () => {
    const accounts = await Promise.all(
      Array.from({ length: 10 }, (_, n) => bot(`account-${n}`, '203.0.113.14')),
    );
    const answers = await Promise.all(
      accounts.flatMap((account) => Array.from({ length: 10 }, () => account.play('coin_', 1n, 'free'))),
    );
    const accepted = answers.filter(({ status }) => status === 200).length;
    expect(accepted).toBeGreaterThan(0);
    // What comes back while this takes a second or two.
    expect(accepted).toBeLessThanOrEqual(65);
    expect(answers.find(({ status }) => status === 429)?.body).toMatchObject({ reason: 'RATE_LIMITED' });
  });

  it('that is shut out is refused for good, over Connect in the same words', async () => {
    const cheat = await bot('banned', '203.0.113.15');
    await world.limitsAs('cli').quarantinePlayer({ userId: 'banned' }, call);
    const answer = await waitFor(async () => {
      const each = await cheat.play('coin_', 0n);
      return each.status === 403 ? each : undefined;
    });
    expect(answer.body).toMatchObject({ code: 'permission_denied', reason: 'PLAYER_QUARANTINED' });
    const auth = patient(world.authAs('game'));
    const { accessToken } = await auth.issueToken({ userId: 'banned', username: 'banned' }, call);
    const action = { leaderboard: BOARD, userId: 'banned', actionId: 'c1', points: 0n };
    const { signature } = await auth.signAction({ action }, call);
    const response = await fetch(`${edge}/scoreboard.edge.v1.ScoreboardService/SubmitScore`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        'x-forwarded-for': '203.0.113.15',
      },
      body: JSON.stringify({ leaderboard: BOARD, actionId: 'c1', points: '0', signature }),
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'permission_denied', reason: 'PLAYER_QUARANTINED' });
  });

  it('has left the board as honest players made it', async () => {
    const all = (await board()) as { username: string; score: number }[];
    // The probe found out when the limits had come into force, and scored until then.
    const entries = all.filter(({ username }) => username !== 'probe');
    expect(entries[0]).toEqual({ username: 'honest', score: 60 });
    // Within the limits anybody may score.
    expect(entries.find(({ username }) => username === 'max-rate')?.score).toBe(20);
    expect(entries.filter(({ username }) => username === 'over-cap')).toEqual([]);
  });
});
