/**
 * Servers that can't write to their disks any more. Whatever was acknowledged stays, what can't be written is refused in words
 * that say so, reading goes on, and with room again all is as before.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
/** The size of a segment of the write-ahead log: with files up to this Postgres lives, and only its tables can't grow. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Small enough to stop the log itself. */
const TINY_BYTES = 16 * 1024;
const BATCH = 500;
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test' },
    statementTimeoutMs: 30_000,
  });
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 1 || undefined);
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const game = () => world.scoreAs('game');
const top = () => world.rankAs('edge').getTop({}, call);
const submit = async (userId: string, actionId: string, points = 1n) =>
  (await game().submitScore({ submission: { userId, actionId, points } }, call)).accepted;
const refusalOf = (answering: Promise<unknown>) =>
  answering.then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof AppError ? thrown : Promise.reject(thrown)),
  );
const allDelivered = () => waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);

async function submitCrowd(crowd: number) {
  const submissions = Array.from({ length: BATCH }, (_, n) => ({
    ...{ userId: `newcomer-${crowd}-${n}`, actionId: 'first', points: 1n, leaderboard: 'crowd' },
  }));
  return (await game().submitScores({ submissions }, call)).outcomes.map(({ result }) => result);
}

test('tables that can not grow: scores are refused as not counted, boards are read, and nothing is left half done', async () => {
  await submit('ada', 'a1', 10n);
  await sql`
    insert into scores (leaderboard, user_id, username, points, version, reached)
    select 'filler', n, repeat('x', 1500), 1, 1, n from generate_series(1, 10000) n`;
  const [size] = await sql<{ bytes: number }[]>`select pg_relation_size('scores')::float8 as bytes`;
  expect(size?.bytes).toBeGreaterThan(SEGMENT_BYTES);
  world.limitFiles('postgres', size?.bytes ?? 0);
  // Until the pages that are there are full.
  let crowd = 0;
  const refused = await waitFor(async () => {
    crowd += 1;
    const results = await submitCrowd(crowd);
    return results.some((result) => result.case === 'refused') ? results : undefined;
  });
  for (const result of refused) {
    expect(result).toMatchObject({ case: 'refused', value: { reason: 'STORE_UNAVAILABLE' } });
  }
  expect(await sql`select from actions where user_id like ${`newcomer-${crowd}-%`}`).toHaveLength(0);
  expect((await top()).entries[0]).toMatchObject({ userId: 'ada', score: 10n });

  world.limitFiles('postgres', 'unlimited');
  const accepted = await waitFor(async () => {
    const results = await submitCrowd(crowd);
    return results.every((result) => result.case === 'accepted') ? results : undefined;
  });
  for (const result of accepted) expect(result.value).toMatchObject({ newScore: 1n, version: 1n });
  await allDelivered();
});

test('a log that can not grow stops Postgres: nothing acknowledged is lost, and what was refused counts once when it is back', async () => {
  expect(await submit('bob', 'b1', 5n)).toMatchObject({ newScore: 5n });
  world.limitFiles('postgres', TINY_BYTES);
  const first = await waitFor(() => refusalOf(submit('bob', 'b2')));
  expect(['unavailable', 'deadline_exceeded']).toContain(first.kind);
  const refused = await waitFor(async () => {
    const error = await refusalOf(submit('bob', 'b3'));
    return error?.reason === 'STORE_UNAVAILABLE' ? error : undefined;
  });
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  expect((await top()).entries.map(({ userId }) => userId)).toEqual(['ada', 'bob']);
  await waitFor(async () => (await top()).stale || undefined);

  await world.killPostgres();
  await world.startPostgres();
  await waitFor(() => submit('bob', 'b2').catch(() => undefined));
  await submit('bob', 'b3');
  expect(await submit('bob', 'b1', 5n)).toMatchObject({ newScore: 5n, replayed: true });
  expect(await submit('bob', 'b4')).toMatchObject({ newScore: 8n, version: 4n });
  await waitFor(async () => {
    const { entries, stale } = await top();
    return (!stale && entries.find(({ userId }) => userId === 'bob')?.score === 8n) || undefined;
  });
  await allDelivered();
});

test('a NATS without room: scores count and boards are right, and all that waited is delivered when it has room again', async () => {
  world.limitFiles('nats', TINY_BYTES);
  let used = 0;
  // Until the bus takes nothing more: then what is committed waits.
  await waitFor(async () => {
    used += 1;
    expect(await submit('cy', `c${used}`)).toMatchObject({ newScore: BigInt(used) });
    return (await world.metric('score_delivery_failures_total')) > 0 || undefined;
  });
  expect((await sql`select from outbox`).length).toBeGreaterThan(0);
  await waitFor(async () => {
    const { entries, stale } = await top();
    return (!stale && entries.find(({ userId }) => userId === 'cy')?.score === BigInt(used)) || undefined;
  });
  await world.killNats();
  await world.startNats();
  await allDelivered();
  expect(await sql`select from outbox where state = 'dead'`).toHaveLength(0);
});
