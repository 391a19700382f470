/** A quarantine hides the player from everybody else, and a release shows the player at the same place again. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAcceptStore } from '../../../../services/score/accept/accept-store.ts';
import {
  createPostgresPool,
  type PostgresPool,
} from '../../../../services/shared/stores/postgres/postgres-pool.ts';
import { patient } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import {
  type CorrectionsWorld,
  startCorrectionsWorld,
} from '../../../support/worlds/score/corrections-world.ts';
import { action } from '../../../support/worlds/score/limits-world.ts';

const call = { limitMs: 30_000 };
let world: CorrectionsWorld;
let pool: PostgresPool;

beforeAll(async () => {
  world = await startCorrectionsWorld();
  pool = createPostgresPool({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 },
  });
});
afterAll(async () => {
  await pool?.close();
  await world?.stop();
});

const limits = () => patient(world.limitsAs('cli'));
const quarantine = (userId: string) => limits().quarantinePlayer({ userId }, call);
const release = (userId: string) => limits().releasePlayer({ userId }, call);
const waiting = async () => {
  const [row] = await world.sql<{ count: number }[]>`select count(*)::int as count from quarantine_changes`;
  return row?.count;
};

/** Ada, bob and cy with the same score, which they reached in this order. */
async function equals() {
  const board = await world.createBoard({ operator: 'best', order: 'ascending' });
  const players = ['ada', 'bob', 'cy'].map((name) => `${name}-${board}`) as [string, string, string];
  for (const userId of players) await world.submitted(board, userId, [action('a1', 5n)]);
  return { board, players };
}

it('on every board, while the player sees the own score', async () => {
  const { board, players } = await equals();
  const [ada, bob, cy] = players;
  const other = await world.createBoard({ operator: 'sum', order: 'descending' });
  await world.submitted(other, bob, [action('b2', 7n)]);
  await world.untilShown(board, [
    [ada, 5n],
    [bob, 5n],
    [cy, 5n],
  ]);

  await quarantine(bob);
  await world.untilShown(board, [
    [ada, 5n],
    [cy, 5n],
  ]);
  await world.untilShown(other, []);
  expect(await world.placeOf(board, bob)).toMatchObject({ score: 5n, rank: 0n });
  expect(await world.placeOf(board, cy)).toMatchObject({ rank: 2n });
  const around = await patient(world.rankAs('edge')).listAround({ leaderboard: board, userId: bob }, call);
  expect(around.entries.map(({ userId, rank }) => [userId, rank])).toEqual([[bob, 0n]]);
  const friends = await patient(world.rankAs('edge')).listPlayers(
    { leaderboard: board, userIds: players },
    call,
  );
  expect(friends.entries.map(({ userId, rank }) => [userId, rank])).toEqual([
    [ada, 1n],
    [cy, 2n],
  ]);
  expect(await world.differences()).toEqual([]);

  await release(bob);
  await world.untilShown(board, [
    [ada, 5n],
    [bob, 5n],
    [cy, 5n],
  ]);
  await world.untilShown(other, [[bob, 7n]]);
  expect(await world.differences()).toEqual([]);
});

it('through a rebuild of the index, and while Redis is away', async () => {
  const { board, players } = await equals();
  const [ada, bob, cy] = players;
  await quarantine(ada);
  await world.untilShown(board, [
    [bob, 5n],
    [cy, 5n],
  ]);
  await world.killRedis();
  await world.untilShown(board, [
    [bob, 5n],
    [cy, 5n],
  ]);
  await waitFor(async () => (await world.placeOf(board, ada)) !== 'INTERNAL' || undefined);
  expect(await world.placeOf(board, ada)).toMatchObject({ score: 5n, rank: 0n });
  expect(await world.placeOf(board, cy)).toMatchObject({ rank: 2n });
  await world.startRedis();
  await waitFor(async () => (await world.differences())?.length === 0 || undefined);
  await world.untilShown(board, [
    [bob, 5n],
    [cy, 5n],
  ]);
  await release(ada);
  await world.untilShown(board, [
    [ada, 5n],
    [bob, 5n],
    [cy, 5n],
  ]);
});

it('also after a score that was under way, and the score stays', async () => {
  const board = await world.createBoard({ operator: 'sum', order: 'descending' });
  const [ada, bob] = [`ada-${board}`, `bob-${board}`];
  await world.submitted(board, bob, [action('b1', 1n)]);
  await world.submitted(board, ada, [action('a1', 5n)]);
  // As by a score service that does not know of the quarantine yet: the statement of the open lane looks at no list.
  await world.sql`insert into quarantined_players (user_id) values (${ada})`;
  await world.untilShown(board, [[bob, 1n]]);
  const total = { leaderboard: board, operator: 'sum', userId: ada, points: 2n } as const;
  await createAcceptStore(pool).insert(
    [{ ...total, username: '', actions: 1, reachedAt: 1 }],
    [{ ...total, actionId: 'late', keyId: 'k1', caller: 'edge', pointsAfter: 0n, actionsAfter: 0 }],
    10_000,
  );
  await waitFor(async () => (await waiting()) === 0 || undefined, { describe: 'the second pass' });
  await world.untilShown(board, [[bob, 1n]]);
  expect(await world.placeOf(board, ada)).toMatchObject({ score: 7n, rank: 0n });
  await release(ada);
  await world.untilShown(board, [
    [ada, 7n],
    [bob, 1n],
  ]);
});

it('and corrections of a hidden score are seen after the release', async () => {
  const { board, players } = await equals();
  const [ada, bob, cy] = players;
  await quarantine(bob);
  await world.untilShown(board, [
    [ada, 5n],
    [cy, 5n],
  ]);
  await world.corrected(board, bob, { case: 'setTo', value: 2n });
  await world.corrected(board, bob, { case: 'remove', value: true });
  expect(await world.placeOf(board, bob)).toBe('PLAYER_NOT_FOUND');
  await world.corrected(board, bob, { case: 'restore', value: true });
  expect(await world.placeOf(board, bob)).toMatchObject({ score: 2n, rank: 0n });
  await world.untilShown(board, [
    [ada, 5n],
    [cy, 5n],
  ]);
  await release(bob);
  await world.untilShown(board, [
    [bob, 2n],
    [ada, 5n],
    [cy, 5n],
  ]);
});
