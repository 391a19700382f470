/** The database's clock is set back by an hour, so times noted before are an hour in the future. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  await source('redis');
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const row = async () => {
  const [found] = await sql<{ source: string; epoch: bigint; ahead: boolean }[]>`
    select source, epoch, redis_seen_at > now() + interval '1 minute' as ahead from rank_index`;
  return found;
};
const source = (wanted: string) => waitFor(async () => (await row())?.source === wanted || undefined);

test('boards move to Postgres as soon as Redis is away', async () => {
  await world.killRedis();
  await sql`update rank_index set redis_seen_at = now() + interval '1 hour'`;
  await source('postgres');
  await world.startRedis();
  await source('redis');
});

test('the time at which Redis was last seen is corrected', async () => {
  await sql`update rank_index set redis_seen_at = now() + interval '1 hour'`;
  await waitFor(async () => (await row())?.ahead === false || undefined);
});

test('an abandoned build is replaced at once', async () => {
  const before = await row();
  await sql`update rank_index set building = epoch + 1, building_until = now() + interval '1 hour'`;
  await world.killRedis();
  await world.startRedis();
  await waitFor(async () => ((await row())?.epoch ?? 0n) > (before?.epoch ?? 0n) || undefined);
  await source('redis');
});

test('a waiting batch is delivered at once', async () => {
  await sql`
    insert into outbox (leaderboards, user_ids, next_attempt_at)
    values ('{global}', '{ada}', now() + interval '1 hour')`;
  await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
  const submission = { userId: 'ada', actionId: 'a1', points: 1n };
  const accepted = await ranked(() => world.scoreAs('game').submitScore({ submission }, call));
  expect(accepted).toMatchObject({ newScore: 1n, rank: 1n });
});
