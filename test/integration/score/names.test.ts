/** Which name of a player a board shows, through two real score services on one real Postgres. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { aliasOf, createUserIdOf } from '../../../services/shared/tokens/players/player-id.ts';
import { patient } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let submissions = 0;

beforeAll(async () => {
  world = await startScoreWorld({ scoreServices: 2, rankServices: 2 });
  await world.limitsAs('cli').setLimits({ limits: { leaderboard: 'ruled', maxPoints: 1n } }, call);
  for (const service of [0, 1]) {
    await waitFor(async () => {
      submissions += 1;
      const submission = {
        ...{ leaderboard: 'ruled', userId: 'probe', actionId: `a${submissions}`, points: 2n },
      };
      const refusal = world.scoreAs('game', service).submitScore({ submission }, call);
      return refusal.then(
        () => undefined,
        ({ reason }) => reason === 'POINTS_OVER_CAP' || undefined,
      );
    });
  }
});

afterAll(() => world?.stop());

/** Writes the profile, as every sign-in does. */
const signIn = (userId: string, username: string) =>
  patient(world.authAs('game')).issueToken({ userId, username }, call);

/** The name on the board after a submission with this one. */
async function nameAfter(leaderboard: string, userId: string, username: string, service = 0) {
  submissions += 1;
  const submission = { leaderboard, userId, username, actionId: `a${submissions}`, points: 1n };
  await world.scoreAs('game', service).submitScore({ submission }, call);
  const { entry } = await world.rankAs('edge', service).getRank({ leaderboard, userId }, call);
  return entry?.username;
}

describe.each(['plain', 'ruled'])('the name of a player, on a %s board,', (board) => {
  it('is that of the profile, whatever name an older token contains', async () => {
    const userId = `ada-${board}`;
    await signIn(userId, 'Old');
    expect(await nameAfter(board, userId, 'Old')).toBe('Old');
    await signIn(userId, 'New');
    expect(await nameAfter(board, userId, 'New')).toBe('New');
    expect(await nameAfter(board, userId, 'Old', 0)).toBe('New');
    expect(await nameAfter(board, userId, 'Old', 1)).toBe('New');
  });

  it('is that of the profile from the first score on', async () => {
    const userId = `bob-${board}`;
    await signIn(userId, 'Old');
    await signIn(userId, 'New');
    expect(await nameAfter(board, userId, 'Old')).toBe('New');
    expect(await nameAfter(board, userId, '')).toBe('New');
  });

  it('stays when the player signs in without one', async () => {
    const userId = `cy-${board}`;
    await signIn(userId, 'Cy');
    expect(await nameAfter(board, userId, 'Cy')).toBe('Cy');
    expect(await signIn(userId, '')).toMatchObject({ username: 'Cy' });
    expect(await nameAfter(board, userId, userId)).toBe('Cy');
  });

  it('may become the user id again if the player wishes so', async () => {
    const userId = `di-${board}`;
    await signIn(userId, 'Di');
    await signIn(userId, userId);
    expect(await nameAfter(board, userId, 'Di')).toBe(userId);
  });

  it('is the latest from a game server for a player without a profile', async () => {
    const userId = `dan-${board}`;
    expect(await nameAfter(board, userId, '')).toBe(userId);
    expect(await nameAfter(board, userId, 'Dan')).toBe('Dan');
    expect(await nameAfter(board, userId, '')).toBe('Dan');
    expect(await nameAfter(board, userId, 'Daniel', 1)).toBe('Daniel');
  });
});

describe('a player who gets another name', () => {
  const boards = Array.from({ length: 12 }, (_, at) => `of-eve-${at}`);
  const shownOn = async (leaderboard: string) => {
    const { entry } = await world.rankAs('edge', 1).getRank({ leaderboard, userId: 'eve' }, call);
    return entry?.username;
  };

  it('has it on every board within seconds, without a score, and it is no fault of the index', async () => {
    await signIn('eve', 'Old');
    for (const leaderboard of boards) expect(await nameAfter(leaderboard, 'eve', 'Old')).toBe('Old');
    const before = await world.rankAs('edge').getTop({ leaderboard: boards[0] ?? '' }, call);
    await signIn('eve', 'New');
    for (const leaderboard of boards) {
      await waitFor(async () => (await shownOn(leaderboard)) === 'New' || undefined);
    }
    const after = await world.rankAs('edge').getTop({ leaderboard: boards[0] ?? '' }, call);
    expect(after.entries).toMatchObject([{ userId: 'eve', username: 'New', score: 1n }]);
    expect(after.position?.seq).toBeGreaterThan(before.position?.seq ?? 0n);
    expect(await world.rankMetric('reconcile_drift_total', 'kind="corrupt"')).toBe(0);
  });

  it('is worked off, and then forgotten', async () => {
    await waitFor(async () => (await waiting()) === 0 || undefined);
    expect(await nameAfter(boards[0] ?? '', 'eve', 'Old')).toBe('New');
  });

  it('has it in place of an alias, and keeps it', async () => {
    const userId = createUserIdOf(Buffer.alloc(32))('fay');
    const alias = aliasOf(userId) ?? '';
    expect(await nameAfter('plain', userId, alias)).toBe(alias);
    expect(await nameAfter('ruled', userId, '')).toBe(alias);
    await world.authAs('edge').recordNames({ names: [{ userId, username: 'Fay' }] }, call);
    const { entry } = await waitFor(async () => {
      const place = await world.rankAs('edge').getRank({ leaderboard: 'ruled', userId }, call);
      return place.entry?.username === 'Fay' ? place : undefined;
    });
    expect(entry).toMatchObject({ userId, score: 1n });
    for (const board of ['plain', 'ruled']) expect(await nameAfter(board, userId, alias)).toBe('Fay');
  });
});

/** Players whose boards may not show their names yet. */
async function waiting(): Promise<number> {
  const sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from renamed_players`;
  await sql.end();
  return row?.count ?? -1;
}
