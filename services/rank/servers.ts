/**
 * Connections of the rank service. It waits for Postgres, and starts without Redis or NATS when they are away. It refuses a
 * server with unsafe settings.
 */
import { type Bus, openBus } from '../shared/events/bus.ts';
import { Deadline } from '../shared/flow/deadline.ts';
import type { Clock } from '../shared/settings/clock.ts';
import { ForeignServerError } from '../shared/stores/deployment.ts';
import {
  checkNamespace,
  keepNamespace,
  readDeploymentId,
} from '../shared/stores/postgres/deployment-store.ts';
import { createPostgresPool, type PostgresPool } from '../shared/stores/postgres/postgres-pool.ts';
import { checkPostgres, whenItAnswers } from '../shared/stores/postgres/start-checks.ts';
import { connectRedis, type RedisClient } from '../shared/stores/redis/redis.ts';
import { describeRedisAddress } from '../shared/stores/redis/redis-address.ts';
import { checkRedisFromNowOn, refuseCluster, refuseEviction } from '../shared/stores/redis/redis-checks.ts';
import type { Log } from '../shared/telemetry/log.ts';
import type { RankConfig } from './config.ts';
import { claimIndex, type IndexPlace } from './index/claim-index.ts';
import { createIndexKeys } from './index/index-keys.ts';

/** Readers and the upkeep of the index have connections of their own: readers who scan boards must not hold up a rebuild. */
const READ_CONNECTIONS = 4;
const UPKEEP_CONNECTIONS = 4;
/** Below the limits of our waits: a database that works answers before we take it for dead. */
const STATEMENT_TIMEOUT_MS = 1_800;
/** After this, score's outbox delivers the projection, and the rank in the answer comes from Postgres. */
const REDIS_TIMEOUT_MS = 400;
/** A Redis that works answers long before. One that is away must not hold up the start. */
const REDIS_START_PATIENCE_MS = 500;

export type Servers = ReturnType<typeof connectServers> & { readonly bus: Bus; readonly place: IndexPlace };

/** Rejects with the setting to change when a server is unfit, or holds another deployment's data. Nothing is left open then. */
export async function openServers(
  config: RankConfig,
  { log, clock }: { log: Log; clock: Clock },
): Promise<Servers> {
  const connections = connectServers(config, log);
  try {
    await Promise.all([
      checkPostgres(connections.readPool, log),
      checkRedisFromNowOn(connections.redis, {
        ...{ url: config.redisUrl, tls: config.redisTls, checks: [refuseCluster, refuseEviction], log },
      }),
    ]);
    const place = await findPlace(config, connections, log);
    const { natsUrl, natsAccess, namespace, databaseSchema } = config;
    const [bus] = await Promise.all([
      openBus({
        ...{ natsUrl, natsAccess, namespace, deployment: place.deployment },
        ...{ name: 'scoreboard-rank', keepsStream: false, clock, log },
      }),
      claimWhenReady(connections.redis, place, log),
    ]);
    await whenItAnswers(() => keepNamespace(connections.upkeepPool, namespace, databaseSchema), log).catch(
      async (error: unknown) => {
        await bus.close();
        throw error;
      },
    );
    return {
      ...connections,
      ...{ bus, place },
      async close() {
        await bus.close();
        await connections.close();
      },
    };
  } catch (error) {
    await connections.close();
    throw error;
  }
}

async function findPlace(
  config: RankConfig,
  { readPool }: { readPool: PostgresPool },
  log: Log,
): Promise<IndexPlace> {
  const deployment = await whenItAnswers(() => readDeploymentId(readPool), log);
  await whenItAnswers(() => checkNamespace(readPool, config.namespace, config.databaseSchema), log);
  return {
    keys: createIndexKeys(config.namespace),
    deployment,
    at: describeRedisAddress(config.redisUrl),
  };
}

/** Refuses the index of another deployment before anything is written. A Redis that comes later is looked at by the keeper. */
async function claimWhenReady(redis: RedisClient, place: IndexPlace, log: Log): Promise<void> {
  await Deadline.after(REDIS_START_PATIENCE_MS).race(untilReady(redis), () => {});
  if (redis.status !== 'ready') return;
  await claimIndex(redis, place).catch((error: unknown) => {
    if (error instanceof ForeignServerError) throw error;
    log.warn({ err: error }, 'the owner of the rank index was not checked');
  });
}

function untilReady(redis: RedisClient): Promise<void> {
  return redis.status === 'ready'
    ? Promise.resolve()
    : new Promise((resolve) => redis.once('ready', resolve));
}

function connectServers(config: RankConfig, log: Log) {
  const pool = (applicationName: string, connections: number) =>
    createPostgresPool({
      url: config.databaseUrl,
      schema: config.databaseSchema,
      connections,
      applicationName,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
  const readPool = pool('scoreboard-rank', READ_CONNECTIONS);
  const upkeepPool = pool('scoreboard-rank-upkeep', UPKEEP_CONNECTIONS);
  const redis = connectRedis({
    url: config.redisUrl,
    tls: config.redisTls,
    connectionName: 'scoreboard-rank',
    commandTimeoutMs: REDIS_TIMEOUT_MS,
    log,
  });
  return {
    ...{ readPool, upkeepPool, redis },
    async close() {
      redis.disconnect();
      await Promise.all([readPool.close(), upkeepPool.close()]);
    },
  };
}
