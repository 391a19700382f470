/** Which name of a player a board shows, through two real score services on one real Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScoreWorld, startScoreWorld } from '../../support/score-world.ts';
import { waitFor } from '../../support/wait-for.ts';

const call = { deadlineMs: 5_000 };
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
  world.authAs('game').issueToken({ userId, username }, call);

/** The name on the board after a submission with this one. */
async function nameAfter(leaderboard: string, userId: string, username: string, service = 0) {
  submissions += 1;
  const submission = { leaderboard, userId, username, actionId: `a${submissions}`, points: 1n };
  await world.scoreAs('game', service).submitScore({ submission }, call);
  const { entry } = await world.rankAs('edge', service).getRank({ leaderboard, userId }, call);
  return entry?.username;
}

describe.each(['plain', 'ruled'])('the name of a player, on a %s board,', (board) => {
  it('is that of the profile, whatever name an older token brings', async () => {
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

  it('is the user id again when the player signed in without a name', async () => {
    const userId = `cy-${board}`;
    await signIn(userId, 'Cy');
    expect(await nameAfter(board, userId, 'Cy')).toBe('Cy');
    await signIn(userId, '');
    expect(await nameAfter(board, userId, userId)).toBe(userId);
  });

  it('is the last that a game server gave to a player without a profile', async () => {
    const userId = `dan-${board}`;
    expect(await nameAfter(board, userId, '')).toBe(userId);
    expect(await nameAfter(board, userId, 'Dan')).toBe('Dan');
    expect(await nameAfter(board, userId, '')).toBe('Dan');
    expect(await nameAfter(board, userId, 'Daniel', 1)).toBe('Daniel');
  });
});
