/**
 * Connections to what the score service can't do without for long: Postgres, which it waits for, and Redis, NATS and auth,
 * which it starts without when they are away. A server whose settings would break a promise is refused.
 */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { Clock } from '../shared/clock.ts';
import { createGrpcClient } from '../shared/grpc.ts';
import type { Log } from '../shared/log.ts';
import { createPostgresPool } from '../shared/postgres.ts';
import { connectRedis, type RedisClient } from '../shared/redis.ts';
import { ACCEPT_CONNECTIONS } from './accept-lanes.ts';
import { atMost } from './at-most.ts';
import { type Bus, openBus } from './bus.ts';
import type { ScoreConfig } from './config.ts';
import { ERASURE_LIMIT_MS } from './erasure-store.ts';
import { checkAuditChain, checkPostgres, checkRedisFromNowOn } from './start-checks.ts';

/**
 * Writers get connections of their own, so that a slow reading can not hold up a commit; and so does what keeps the index
 * and empties the outbox, so that readers who scan boards while there is no index can not hold up its building.
 */
const READ_CONNECTIONS = 4;
const UPKEEP_CONNECTIONS = 4;
/** What looks after the audit log reads much at a time, and nobody waits for it. */
const AUDIT_CONNECTIONS = 2;
/** Below the limits with which we wait: a database that lives answers before we take it for dead. */
const WRITE_STATEMENT_TIMEOUT_MS = 700;
const READ_STATEMENT_TIMEOUT_MS = 1_800;
const AUDIT_STATEMENT_TIMEOUT_MS = ERASURE_LIMIT_MS;
/** A projection that takes longer is left to the sweeper; the reply's rank then comes from Postgres. */
const REDIS_TIMEOUT_MS = 400;
/** One that is there answers long before; one that is not must not hold up the start. */
const REDIS_START_PATIENCE_MS = 500;

export type Servers = ReturnType<typeof connectServers> & { readonly bus: Bus };

/** Rejects with the line that says how to fix it when a server is unfit; nothing is left open then. */
export async function openServers(
  config: ScoreConfig,
  { log, clock }: { log: Log; clock: Clock },
): Promise<Servers> {
  const connections = connectServers(config, log);
  try {
    await Promise.all([
      checkPostgres(connections.readPool, log).then(() =>
        checkAuditChain(connections.auditPool, config, log),
      ),
      checkRedisFromNowOn(connections.redis, log),
    ]);
    const [bus] = await Promise.all([
      openBus({ natsUrl: config.natsUrl, clock, log }),
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

function connectServers(config: ScoreConfig, log: Log) {
  const writePool = createPostgresPool({
    url: config.databaseUrl,
    connections: ACCEPT_CONNECTIONS,
    applicationName: 'scoreboard-score-accept',
    statementTimeoutMs: WRITE_STATEMENT_TIMEOUT_MS,
  });
  const readPool = createPostgresPool({
    url: config.databaseUrl,
    connections: READ_CONNECTIONS,
    applicationName: 'scoreboard-score',
    statementTimeoutMs: READ_STATEMENT_TIMEOUT_MS,
  });
  const upkeepPool = createPostgresPool({
    url: config.databaseUrl,
    connections: UPKEEP_CONNECTIONS,
    applicationName: 'scoreboard-score-upkeep',
    statementTimeoutMs: READ_STATEMENT_TIMEOUT_MS,
  });
  const auditPool = createPostgresPool({
    url: config.databaseUrl,
    connections: AUDIT_CONNECTIONS,
    applicationName: 'scoreboard-score-audit',
    statementTimeoutMs: AUDIT_STATEMENT_TIMEOUT_MS,
  });
  const redis = connectRedis({
    url: config.redisUrl,
    connectionName: 'scoreboard-score',
    commandTimeoutMs: REDIS_TIMEOUT_MS,
    log,
  });
  const auth = createGrpcClient(AuthService, {
    address: config.authAddress,
    ...config.identity,
    unavailable: 'AUTH_UNAVAILABLE',
    conversations: ['verifyActions'],
  });
  return {
    ...{ writePool, readPool, upkeepPool, auditPool, redis, auth },
    async close() {
      auth.close();
      redis.disconnect();
      const pools = [writePool, readPool, upkeepPool, auditPool];
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}
