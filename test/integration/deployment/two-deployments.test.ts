/** Deployments that share a Postgres, a Redis and a NATS: with namespaces of their own they never meet, and without they are refused. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startNatsServer } from '../../../dev/servers/nats-server.ts';
import { releaseOwnStream } from '../../../dev/servers/own-stream.ts';
import type { PostgresServer } from '../../../dev/servers/postgres-server.ts';
import { startRedisServer } from '../../../dev/servers/redis-server.ts';
import { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { ScoreService } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { startRank } from '../../../services/rank/service.ts';
import { startScore } from '../../../services/score/service.ts';
import { createAuditKey } from '../../../services/shared/audit-chain/audit-chain.ts';
import { createGrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createServiceKey, digestServiceKeys } from '../../../services/shared/identity/service-keys.ts';
import { Secret } from '../../../services/shared/settings/secret.ts';
import {
  connectNats,
  type JetStreamManager,
  type NatsConnection,
} from '../../../services/shared/stores/nats/nats.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

const HOST = '127.0.0.1';
const log = createSilentLog();
const call = { limitMs: 30_000 };
const keys = {
  game: createServiceKey('game'),
  score: createServiceKey('score'),
  fanout: createServiceKey('fanout'),
};
const callers = { digests: digestServiceKeys(Object.values(keys)) };
/** The same for every start, since a chain is continued with its key. */
const AUDIT_KEY = createAuditKey();
const LISTEN = { host: HOST, port: 0, adminHost: HOST, adminPort: 0, reflection: false, callers };
let dir: string;
let postgres: PostgresServer;
let servers: { stop(): Promise<void> }[] = [];
let natsUrl: string;
let redis: RedisClient;
let nats: NatsConnection;
let streams: JetStreamManager['streams'];
let sql: Sql;
const running = new Set<{ stop(): Promise<unknown> }>();

interface Deployment {
  readonly schema: string;
  readonly namespace: string;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-two-'));
  const [first, second, third] = await Promise.all([
    startTestPostgres({ dataDir: join(dir, 'postgres') }),
    startRedisServer({ dataDir: join(dir, 'redis') }),
    startNatsServer({ dataDir: join(dir, 'nats') }),
  ]);
  postgres = first;
  servers = [first, second, third];
  natsUrl = third.url;
  redis = connectRedis({ url: second.url, connectionName: 'test', commandTimeoutMs: 10_000, log });
  await waitFor(() => redis.status === 'ready' || undefined);
  nats = await connectNats({ url: natsUrl, name: 'test', log });
  streams = (await nats.jetstreamManager()).streams;
  sql = connectPostgres({
    ...{ url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
});

afterAll(async () => {
  await Promise.all([...running].map((each) => each.stop()));
  await nats?.close();
  redis?.disconnect();
  await sql?.end();
  await Promise.all(servers.map((server) => server.stop()));
  await rm(dir, { recursive: true, force: true });
});

async function kept<Service extends { stop(): Promise<unknown> }>(
  starting: Promise<Service>,
): Promise<Service> {
  const service = await starting;
  running.add(service);
  return service;
}

async function stop(service: { stop(): Promise<unknown> }): Promise<void> {
  running.delete(service);
  await service.stop();
}

const redisUrl = () => {
  const { host = '', port = 0, username = '', password = '' } = redis.options;
  return new Secret(`redis://${username}:${password}@${host}:${port}`);
};

const placesOf = ({ schema, namespace }: Deployment) => ({
  ...{ databaseUrl: new Secret(postgres.url), databaseSchema: schema, namespace },
  natsUrl: new Secret(natsUrl),
});

const openRank = (deployment: Deployment) =>
  kept(startRank({ ...LISTEN, ...placesOf(deployment), redisUrl: redisUrl() }, { log }));

const openScore = (deployment: Deployment, rankPort: number) =>
  kept(
    startScore(
      {
        ...{ ...LISTEN, ...placesOf(deployment), rankAddress: `${HOST}:${rankPort}` },
        // A trusted game server vouches for its submissions, so no signature is verified.
        ...{ authAddress: `${HOST}:1`, identity: { serviceKey: keys.score } },
        auditKey: new Secret(AUDIT_KEY),
        ...{
          auditKeySource: 'AUDIT_KEY',
          newAuditKeyAfter: undefined,
          boardsByFirstScore: true,
          isDeniedName: () => false,
        },
        rankWaitMs: 5_000,
      },
      { log },
    ),
  );

/** Everything that a start could touch. */
async function contents() {
  const names = (await redis.keys('*')).filter((key) => !key.endsWith(':seen')).sort();
  const { config, state } = await streams.info('SCORES');
  return { names, config, last: state.last_seq, owner: await redis.get('sb:deployment') };
}

const idOf = async (schema: string) =>
  (await sql<{ id: string }[]>`select id::text as id from ${sql(schema)}.deployment`)[0]?.id ?? '';

const FIRST = { schema: 'one', namespace: 'scoreboard' };
const SECOND = { schema: 'two', namespace: 'second' };
let first: { rank: Awaited<ReturnType<typeof openRank>>; score: Awaited<ReturnType<typeof openScore>> };

async function submit(port: number, userId: string, points: bigint) {
  const options = {
    address: `${HOST}:${port}`,
    serviceKey: keys.game,
    unavailable: 'SCORE_UNAVAILABLE',
  } as const;
  const client = createGrpcClient(ScoreService, options);
  const submission = { userId, username: userId, actionId: `${userId}-1`, points };
  // A busy machine may miss the deadline; a repeat counts once.
  await waitFor(() => client.submitScore({ submission }, call).catch(() => undefined));
  client.close();
}

async function top(port: number): Promise<string[]> {
  const options = {
    address: `${HOST}:${port}`,
    serviceKey: keys.game,
    unavailable: 'RANK_UNAVAILABLE',
  } as const;
  const client = createGrpcClient(RankService, options);
  const { entries } = await client.getTop({}, call);
  client.close();
  return entries.map(({ userId }) => userId);
}

test('a deployment marks its stream and its index', async () => {
  await migrate({ url: postgres.url, schema: FIRST.schema, log });
  const rank = await openRank(FIRST);
  first = { rank, score: await openScore(FIRST, rank.port) };
  await submit(first.score.port, 'anna', 10n);
  const id = await idOf(FIRST.schema);
  expect((await streams.info('SCORES')).config.description).toBe(`scoreboard deployment ${id}`);
  expect(await redis.get('sb:deployment')).toBe(id);
  await waitFor(async () => (await streams.info('SCORES')).state.messages > 0 || undefined);
});

test('another one without a namespace is refused in one line, and touches nothing', async () => {
  await migrate({ url: postgres.url, schema: SECOND.schema, log });
  const wrong = { ...SECOND, namespace: 'scoreboard' };
  const [ours, theirs] = [await idOf(SECOND.schema), await idOf(FIRST.schema)];
  const before = await contents();
  for (const starting of [() => openRank(wrong), () => openScore(wrong, first.rank.port)]) {
    const { message } = await starting().then(
      () => ({ message: 'it started' }),
      (error: Error) => error,
    );
    expect(message).toMatch(
      new RegExp(`^the (rank index in Redis|stream SCORES in NATS) at \\w+://${HOST}:\\d+`),
    );
    expect(message).toContain(
      `belongs to deployment ${theirs}, and this is deployment ${ours}: set NAMESPACE`,
    );
    expect(message).not.toContain('\n');
    expect(message).not.toContain(new URL(natsUrl).password);
  }
  expect(await contents()).toEqual(before);
});

test('with a namespace of its own it never meets the other', async () => {
  const rank = await openRank(SECOND);
  const score = await openScore(SECOND, rank.port);
  await submit(score.port, 'bert', 7n);
  await submit(first.score.port, 'ada', 20n);
  const isBoard = (port: number, users: string[]) =>
    waitFor(async () => JSON.stringify(await top(port)) === JSON.stringify(users) || undefined);
  await isBoard(rank.port, ['bert']);
  await isBoard(first.rank.port, ['ada', 'anna']);
  await waitFor(async () => (await streams.info('second-SCORES')).state.messages > 0 || undefined);
  expect((await streams.info('SCORES')).config.subjects).toEqual(['scores.*']);
  expect((await streams.info('second-SCORES')).config.subjects).toEqual(['second.scores.*']);
  const prefixes = (await redis.keys('*')).map((key) => /^(?:second:)?sb:/.exec(key)?.[0]);
  expect(new Set(prefixes)).toEqual(new Set(['sb:', 'second:sb:']));

  // A node whose rank service is of the second deployment, at the stream of the first.
  const node = spawn(process.execPath, ['edge/fanout/main.ts'], {
    env: {
      ...{ PATH: process.env.PATH ?? '', FANOUT_PORT: '0', NATS_URL: natsUrl, SERVICE_KEY: keys.fanout },
      ...{ RANK_ADDRESS: `${HOST}:${rank.port}`, AUTH_ADDRESS: `${HOST}:1` },
    },
  });
  let words = '';
  node.stdout.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  expect(await new Promise((resolve) => node.once('close', resolve))).toBe(1);
  expect(words).toContain('the stream SCORES in NATS at');
  expect(words).toContain('set NAMESPACE');
  await stop(score);
  await stop(rank);
});

test('one database can not have two namespaces at once', async () => {
  const refused = openRank({ ...FIRST, namespace: 'other' });
  await expect(refused).rejects.toThrow(
    /schema one in Postgres belongs .* NAMESPACE=scoreboard.*DATABASE_SCHEMA/,
  );
  expect(await redis.keys('other:*')).toEqual([]);
});

test('of two first starts with different namespaces, at the same time, one is refused', async () => {
  await migrate({ url: postgres.url, schema: 'four', log });
  const names = ['left', 'right'];
  const starts = await Promise.allSettled(names.map((namespace) => openRank({ schema: 'four', namespace })));
  const [row] = await sql<{ namespace: string }[]>`select namespace from four.deployment`;
  for (const [at, start] of starts.entries()) {
    if (start.status === 'fulfilled') await stop(start.value);
    else expect(String(start.reason)).toContain(`the deployment with NAMESPACE=${row?.namespace}`);
    expect(start.status).toBe(names[at] === row?.namespace ? 'fulfilled' : 'rejected');
  }
});

test('a stream of another product is refused and left as it is', async () => {
  await streams.add({ name: 'third-SCORES', subjects: ['orders.*'] });
  const { config } = await streams.info('third-SCORES');
  await migrate({ url: postgres.url, schema: 'three', log });
  const refused = openScore({ schema: 'three', namespace: 'third' }, first.rank.port);
  await expect(refused).rejects.toThrow(/third-SCORES in NATS at .* belongs to another product/);
  expect((await streams.info('third-SCORES')).config).toEqual(config);
});

test('a stream of a former database goes from a private NATS, and stays in one that is given', async () => {
  await streams.add({
    ...{ name: 'own-SCORES', subjects: ['own.scores.*'] },
    description: `scoreboard deployment ${await idOf(SECOND.schema)}`,
  });
  const release = (schema: string, ownUsers: boolean) =>
    releaseOwnStream(
      { postgres: { url: postgres.url, ownUsers }, nats: { url: natsUrl, ownUsers } },
      'own',
      schema,
    );
  expect(await release(FIRST.schema, false)).toBe(false);
  expect(await release(SECOND.schema, true)).toBe(false);
  expect((await streams.info('own-SCORES')).config.name).toBe('own-SCORES');
  expect(await release(FIRST.schema, true)).toBe(true);
  await expect(streams.info('own-SCORES')).rejects.toThrow('stream not found');
});

test('a stream and an index without an owner, as of an earlier version, are adopted', async () => {
  await stop(first.score);
  await stop(first.rank);
  const { config } = await streams.info('SCORES');
  await streams.update('SCORES', { ...config, description: 'ask Eva' });
  await redis.del('sb:deployment');
  const rank = await openRank(FIRST);
  first = { rank, score: await openScore(FIRST, rank.port) };
  const id = await idOf(FIRST.schema);
  expect((await streams.info('SCORES')).config.description).toBe(`ask Eva; scoreboard deployment ${id}`);
  expect(await redis.get('sb:deployment')).toBe(id);
});

test('an index whose owner was lost while it runs gets it again', async () => {
  await redis.flushall();
  await waitFor(async () => (await redis.get('sb:deployment')) === (await idOf(FIRST.schema)) || undefined);
});

test('a restored database is the same deployment', async () => {
  await stop(first.score);
  await stop(first.rank);
  await migrate({ url: postgres.url, schema: 'restored', log });
  await sql`update restored.deployment set id = ${await idOf(FIRST.schema)}`;
  const rank = await openRank({ schema: 'restored', namespace: 'scoreboard' });
  const score = await openScore({ schema: 'restored', namespace: 'scoreboard' }, rank.port);
  await submit(score.port, 'eva', 3n);
  await waitFor(async () => (await top(rank.port)).includes('eva') || undefined);
});
