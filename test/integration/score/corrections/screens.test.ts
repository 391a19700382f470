/** Corrections on open screens: everybody's board changes, and nobody is told of a player who is not on it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../../support/clients/edge-client.ts';
import { growsStrictly, openLive, positions } from '../../../support/clients/live-client.ts';
import { patient } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../../support/worlds/whole-world.ts';

const call = { limitMs: 30_000 };
let world: WholeWorld;

beforeAll(async () => {
  world = await startWholeWorld({});
});
afterAll(() => world?.stop());

const submit = (userId: string, actionId: string, points: bigint) =>
  patient(world.scoreAs('game')).submitScore({ submission: { userId, actionId, points } }, call);

it('a removal reaches sockets and readers, and the player alone hears of the own score', async () => {
  await submit('ada', 'a1', 5n);
  await submit('bob', 'b1', 4n);
  const { accessToken: token } = await patient(world.authAs('game')).issueToken(
    { userId: 'ada', username: 'Ada' },
    call,
  );
  const [url = ''] = world.fanoutUrls;
  const viewer = await openLive(url);
  const player = await openLive(url, { protocols: ['scoreboard.v1', `bearer.${token}`] });
  const shows = (names: readonly string[]) =>
    viewer.frame(({ leaderboard }) => leaderboard?.map(({ userId }) => userId).join() === names.join());
  await shows(['ada', 'bob']);

  const correct = (operationId: string, change: object) =>
    patient(world.correctionsAs('cli')).correctScore(
      { ...{ operationId, userId: 'ada', leaderboard: 'global', reason: 'cheated' }, change } as never,
      call,
    );
  await correct('op1', { case: 'remove', value: true });
  const without = await shows(['bob']);
  expect(without).toMatchObject({ userId: 'bob', newScore: 4, leaderboard: [{ score: 4, rank: 1 }] });
  await player.frame(({ version, newScore, rank }) => version === 2 && newScore === 0 && rank === null);
  await waitFor(async () => {
    const { body } = await ask(`${world.edgeUrls[0]}/api/v1/scoreboard/top`);
    return JSON.stringify(body.map(({ score }: { score: number }) => score)) === '[4]' || undefined;
  });

  await correct('op2', { case: 'setTo', value: 9n });
  await viewer.frame(({ leaderboard }) => leaderboard?.[0]?.score === 9);
  expect(growsStrictly(positions(viewer.frames))).toBe(true);
  viewer.close();
  player.close();
});
