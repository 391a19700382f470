/**
 * Connections of the rank service: Postgres, which it waits for, and Redis and NATS, which it starts without when they are
 * away. A server whose settings would break a promise is refused.
 */

import { type Bus, openBus } from '../shared/events/bus.ts';
import { atMost } from '../shared/flow/at-most.ts';
import type { Clock } from '../shared/settings/clock.ts';
import { createPostgresPool } from '../shared/stores/postgres.ts';
import { connectRedis, type RedisClient } from '../shared/stores/redis.ts';
import { checkPostgres, checkRedisFromNowOn } from '../shared/stores/start-checks.ts';
import type { Log } from '../shared/telemetry/log.ts';
import type { RankConfig } from './config.ts';

/**
 * What keeps the index gets connections of its own, so that readers who scan boards while there is no index can not hold up
 * its building.
 */
const READ_CONNECTIONS = 4;
const UPKEEP_CONNECTIONS = 4;
/** Below the limits with which we wait: a database that lives answers before we take it for dead. */
const STATEMENT_TIMEOUT_MS = 1_800;
/** A projection that takes longer is left to the sweeper of score; the reply's rank then comes from Postgres. */
const REDIS_TIMEOUT_MS = 400;
/** One that is there answers long before; one that is not must not hold up the start. */
const REDIS_START_PATIENCE_MS = 500;

export type Servers = ReturnType<typeof connectServers> & { readonly bus: Bus };

/** Rejects with the line that says how to fix it when a server is unfit; nothing is left open then. */
export async function openServers(
  config: RankConfig,
  { log, clock }: { log: Log; clock: Clock },
): Promise<Servers> {
  const connections = connectServers(config, log);
  try {
    await Promise.all([
      checkPostgres(connections.readPool, log),
      checkRedisFromNowOn(connections.redis, log),
    ]);
    const [bus] = await Promise.all([
      openBus({ natsUrl: config.natsUrl, name: 'scoreboard-rank', keepsStream: false, clock, log }),
      atMost(REDIS_START_PATIENCE_MS, untilReady(connections.redis)),
    ]);
    return {
      ...connections,
      bus,
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

function untilReady(redis: RedisClient): Promise<void> {
  return redis.status === 'ready'
    ? Promise.resolve()
    : new Promise((resolve) => redis.once('ready', resolve));
}

function connectServers(config: RankConfig, log: Log) {
  const pool = (applicationName: string, connections: number) =>
    createPostgresPool({
      url: config.databaseUrl,
      connections,
      applicationName,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
  const readPool = pool('scoreboard-rank', READ_CONNECTIONS);
  const upkeepPool = pool('scoreboard-rank-upkeep', UPKEEP_CONNECTIONS);
  const redis = connectRedis({
    url: config.redisUrl,
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
