/** What the score service asks of its servers before it serves, and what it does not wait for. */

import { type NatsConnection, RetentionPolicy, StorageType } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuditKey } from '../../../services/shared/audit-chain/audit-chain.ts';
import { Secret } from '../../../services/shared/settings/secret.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { patient, ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: Sql;
let redis: RedisClient;
let nats: NatsConnection;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
  redis = connectRedis({
    url: world.redisUrl,
    connectionName: 'test',
    commandTimeoutMs: 10_000,
    log: createSilentLog(),
  });
  await waitFor(() => redis.status === 'ready' || undefined);
  nats = await connectNats({ url: world.natsUrl, name: 'test', log: createSilentLog() });
});

afterAll(async () => {
  await nats?.close();
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

const serviceStarts = async () => (await world.startScoreService()).stop();
const rankStarts = async () => (await world.startRankService()).stop();

test.each([
  ['fsync', 'off', 'on'],
  ['full_page_writes', 'off', 'on'],
  ['synchronous_commit', 'off', 'on'],
])('a Postgres with %s = %s is refused, with the line that mends it', async (setting, unfit, fit) => {
  await sql.unsafe(`alter system set ${setting} = '${unfit}'`);
  await sql`select pg_reload_conf()`;
  const settingIs = (value: string) =>
    waitFor(async () => {
      const [row] = await sql<{ now: string }[]>`select current_setting(${setting}) as now`;
      return row?.now === value || undefined;
    });
  await settingIs(unfit);
  const refused = await serviceStarts().catch(String);
  expect(refused).toContain('UnfitServerError: Postgres runs ');
  const fix = /alter system set \w+ = .+; select pg_reload_conf\(\);/.exec(String(refused))?.[0] ?? '';
  for (const statement of fix.split(';').filter(Boolean)) await sql.unsafe(statement);
  await settingIs(fit);
  await serviceStarts();
});

test('an audit chain that another key has sealed is refused, with the head after which a new key may continue', async () => {
  const submission = { userId: 'eva', actionId: 'e1', points: 1n };
  await patient(world.scoreAs('game')).submitScore({ submission }, call);
  const audit = world.auditAs('cli');
  const { seq } = await waitFor(async () => {
    const head = await audit.getAuditHead({}, call);
    return head.seq > 0n && head.unsealedBatches === 0n ? head : undefined;
  });
  const another = { auditKey: new Secret(createAuditKey()), auditKeySource: '/secrets/audit.key' };
  const refused = await world.startScoreService(another).catch(String);
  expect(refused).toMatch(
    /the audit key in \/secrets\/audit\.key did not make the newest link.*AUDIT_NEW_KEY_AFTER=\d+:[0-9a-f]{64} /,
  );
  expect((await audit.getAuditHead({}, call)).seq).toBe(seq);
  await serviceStarts();
});

test.each(['allkeys-lru', 'volatile-ttl'])('a Redis that may evict keys by %s is refused', async (policy) => {
  await redis.config('SET', 'maxmemory-policy', policy);
  // Without a limit nothing is ever evicted.
  await rankStarts();
  await redis.config('SET', 'maxmemory', '100mb');
  await expect(rankStarts()).rejects.toThrow('redis-cli config set maxmemory-policy noeviction');
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
  await rankStarts();
  await redis.config('SET', 'maxmemory', '0');
});

test('a stream with limits that would lose events gets our limits', async () => {
  const manager = await nats.jetstreamManager();
  await manager.streams.update('SCORES', {
    max_msgs: 1,
    max_bytes: 1024,
    max_age: 1_000_000_000,
    duplicate_window: 500_000_000,
  });
  await serviceStarts();
  const { config } = await manager.streams.info('SCORES');
  expect(config).toMatchObject({
    max_msgs: -1,
    max_bytes: 256 * 1024 * 1024,
    max_age: 3_600_000_000_000,
    duplicate_window: 120_000_000_000,
  });
});

test('a stream that can not be changed is refused, with the command that removes it', async () => {
  const manager = await nats.jetstreamManager();
  await manager.streams.delete('SCORES');
  await manager.streams.add({
    name: 'SCORES',
    subjects: ['scores.*'],
    storage: StorageType.Memory,
    retention: RetentionPolicy.Workqueue,
  });
  await expect(serviceStarts()).rejects.toThrow('nats stream rm SCORES');
  await manager.streams.delete('SCORES');
  await serviceStarts();
});

test('it starts without NATS and Redis, accepts scores, and delivers them once both are back', async () => {
  await Promise.all([world.killNats(), world.killRedis()]);
  const another = await world.startScoreService();
  const submission = { userId: 'ada', actionId: 'a1', points: 5n };
  const accepted = await ranked(() => world.scoreAt(another.port, 'game').submitScore({ submission }, call));
  expect(accepted).toMatchObject({ newScore: 5n, rank: 1n });
  await Promise.all([world.startNats({ empty: true }), world.startRedis()]);
  await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
  await another.stop();
});

test('it waits for Postgres', async () => {
  await world.killPostgres();
  const starting = world.startScoreService();
  await world.startPostgres();
  await (await starting).stop();
});
