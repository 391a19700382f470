/**
 * Servers that answer and do not do what they are asked: a Redis without our scripts or as a replica, a Postgres that is
 * read-only, a NATS without JetStream or with another's stream. Each counts as away, by name and reason, is told in one line
 * of the log, and heals without a hand.
 */

import { type NatsConnection, RetentionPolicy, StorageType } from 'nats';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createLog, createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, type ServerName, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: Sql;
let redis: RedisClient;
let nats: NatsConnection;
let lines: string[] = [];
let used = 0;

beforeAll(async () => {
  const log = createLog('score', 'info', { destination: { write: (line) => void lines.push(line) } });
  world = await startScoreWorld({ log });
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test' },
    statementTimeoutMs: 30_000,
  });
  redis = connectRedis({
    ...{ url: world.redisUrl, connectionName: 'test', commandTimeoutMs: 10_000 },
    log: createSilentLog(),
  });
  nats = await connectNats({ url: world.natsUrl, name: 'test', log: createSilentLog() });
});

afterAll(async () => {
  await nats?.close();
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

beforeEach(async () => {
  await works();
  lines = [];
});

async function submit(points = 1n) {
  used += 1;
  const submission = { userId: 'ada', actionId: `a${used}`, points };
  return (await world.scoreAs('game').submitScore({ submission }, call)).accepted;
}
function submitRanked(points = 1n) {
  used += 1;
  const submission = { userId: 'ada', actionId: `a${used}`, points };
  return ranked(() => world.scoreAs('game').submitScore({ submission }, call));
}
const refusalOf = (answering: Promise<unknown>) =>
  answering.then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof AppError ? thrown : Promise.reject(thrown)),
  );
/** What score, or rank of Redis, says that it does without, once it says so. */
const without = (server: ServerName, why: RegExp) =>
  waitFor(
    async () => {
      const { status, body } = await (server === 'redis' ? world.rankReadiness() : world.readiness());
      expect(status).toBe(200);
      const trouble = body.without?.[server];
      return (trouble !== undefined && why.test(trouble) && !body.dependencies[server]) || undefined;
    },
    { describe: `${server} away: ${why}` },
  );
/** Everything that was accepted is delivered, and the board is that of all. */
async function works(): Promise<void> {
  await waitFor(async () => {
    const told = await Promise.all([world.readiness(), world.rankReadiness()]);
    return told.every(({ body }) => body.without === undefined) || undefined;
  });
  await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
  await waitFor(async () => {
    const { entries, stale } = await world.rankAs('edge').getTop({}, call);
    const [row] = await sql<{ points: bigint }[]>`select points from scores where user_id = 'ada'`;
    return (!stale && entries[0]?.score === row?.points) || undefined;
  });
}
const told = (text: string) => lines.filter((line) => line.includes(text));
/** One line about it of each service that needs the server, and few others: no flood, and no line that is long for what it carries. */
async function expectOneLine(text: string, services = 1): Promise<void> {
  await waitFor(() => told(text).length >= services || undefined);
  for (let n = 0; n < 20; n += 1) await refusalOf(submit());
  expect(told(text)).toHaveLength(services);
  expect(lines.length).toBeLessThan(12);
  for (const line of lines) expect(line).not.toContain('redis.call');
}

test('a Redis that lost our scripts: scores count with their rank, no line quotes a script, and it heals once they are loaded', async () => {
  await redis.acl('SETUSER', 'loader', '-script|load');
  await redis.script('FLUSH');
  await without('redis', /lacks our scripts: run services\/provision\/redis-scripts-main\.ts/);
  expect(await submitRanked()).toMatchObject({ rank: 1n });
  await expectOneLine('Redis: it lacks our scripts');
  await redis.acl('SETUSER', 'loader', '+script|load');
  await works();
  await waitFor(() => told('Redis: works again').length === 1 || undefined);
});

test('scripts that are flushed under load are back by themselves', async () => {
  for (let round = 0; round < 5; round += 1) {
    await redis.script('FLUSH');
    expect(await submitRanked()).toMatchObject({ rank: 1n });
  }
  await works();
});

test('a Redis that became a replica takes no writes: boards come from Postgres until it is a primary again', async () => {
  await redis.replicaof('127.0.0.1', 1);
  await without('redis', /read-only replica/);
  expect(await submitRanked()).toMatchObject({ rank: 1n });
  await expectOneLine('Redis: it is a read-only replica');
  await redis.replicaof('NO', 'ONE');
  await works();
});

test('a Postgres that is read-only refuses scores as not counted, shows its boards, and takes them when it can', async () => {
  await sql`alter system set default_transaction_read_only = on`;
  await sql`select pg_reload_conf()`;
  await without('postgres', /read-only/);
  const refused = await waitFor(async () => refusalOf(submit()));
  expect(refused).toMatchObject({ reason: 'STORE_UNAVAILABLE', kind: 'unavailable' });
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  expect((await world.rankAs('edge').getTop({}, call)).stale).toBe(false);
  const signIn = world.authAs('game').issueToken({ userId: 'bob', username: 'bob' }, call);
  expect(await refusalOf(signIn)).toMatchObject({ reason: 'STORE_UNAVAILABLE' });
  await expectOneLine('Postgres: it is read-only', 2);
  const another = world.startScoreService();
  await sql`alter system reset default_transaction_read_only`;
  await sql`select pg_reload_conf()`;
  await waitFor(() => submit().catch(() => undefined));
  await (await another).stop();
});

test('sessions that began read-only are replaced, since they would stay so', async () => {
  const [role = ''] = [new URL(world.databaseUrlAs('score')).username];
  await sql.unsafe(`alter role ${role} set default_transaction_read_only = on`);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;
  await without('postgres', /read-only/);
  const refused = await waitFor(async () => refusalOf(submit()));
  expect(refused.kind).toBe('unavailable');
  await sql.unsafe(`alter role ${role} reset default_transaction_read_only`);
  await waitFor(() => submit().catch(() => undefined));
});

test('a NATS without JetStream keeps its connections: scores count, and are delivered once it has it again', async () => {
  world.setJetStream(false);
  await without('nats', /JetStream is disabled or does not answer: free disk space/);
  expect(await submitRanked()).toMatchObject({ rank: 1n });
  // By score and by rank.
  await expectOneLine('NATS: JetStream is disabled', 2);
  expect((await sql`select from outbox`).length).toBeGreaterThan(0);
  world.setJetStream(true);
  await works();
  await waitFor(() => told('NATS: works again').length >= 1 || undefined);
});

test('a stream in place of ours that can not keep our promises is told with the line that removes it', async () => {
  const manager = await nats.jetstreamManager();
  await manager.streams.delete('SCORES');
  await manager.streams.add({
    ...{ name: 'SCORES', subjects: ['scores.*'] },
    ...{ storage: StorageType.Memory, retention: RetentionPolicy.Workqueue },
  });
  await without('nats', /nats stream rm SCORES/);
  expect(await submitRanked()).toMatchObject({ rank: 1n });
  await manager.streams.delete('SCORES');
  await works();
});
