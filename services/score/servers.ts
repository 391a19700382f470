/**
 * Connections of the score service. It waits for Postgres at the start, and starts without NATS, auth and rank if they are away.
 * A server with unsafe settings is refused.
 */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { type Bus, openBus } from '../shared/events/bus.ts';
import { createClientCalls, createGrpcClient } from '../shared/grpc/grpc.ts';
import type { Clock } from '../shared/settings/clock.ts';
import type { DeploymentId } from '../shared/stores/deployment.ts';
import { checkNamespace, readDeploymentId } from '../shared/stores/postgres/deployment-store.ts';
import { createPostgresPool, type PostgresPool } from '../shared/stores/postgres/postgres-pool.ts';
import { checkPostgres, whenItAnswers } from '../shared/stores/postgres/start-checks.ts';
import type { Log } from '../shared/telemetry/log.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import { checkAuditChain } from './audit/check-audit-chain.ts';
import { ERASURE_LIMIT_MS } from './audit/erasure-store.ts';
import type { ScoreConfig } from './config.ts';
import { ACCEPT_CONNECTIONS } from './submit/accept-lanes.ts';

/** Commits have connections of their own, so that sweeping the outbox and reading limits do not delay them. */
const UPKEEP_CONNECTIONS = 4;
/** The audit log is read in large pieces, and no submission waits for it. */
const AUDIT_CONNECTIONS = 2;
/** Shorter than our own limits: a Postgres that works answers before we count it as away. */
const WRITE_STATEMENT_TIMEOUT_MS = 700;
const UPKEEP_STATEMENT_TIMEOUT_MS = 1_800;
const AUDIT_STATEMENT_TIMEOUT_MS = ERASURE_LIMIT_MS;
export type Servers = ReturnType<typeof connectServers> & { readonly bus: Bus };

/** Rejects if a server has unsafe settings, with a message that says how to correct them, and leaves no connection open. */
export async function openServers(
  config: ScoreConfig,
  { log, clock, metrics }: { log: Log; clock: Clock; metrics: Metrics },
): Promise<Servers> {
  const connections = connectServers(config, metrics);
  try {
    await checkPostgres(connections.upkeepPool, log);
    await checkAuditChain(connections.auditPool, config, log);
    const deployment = await findDeployment(config, connections.upkeepPool, log);
    const { natsUrl, natsAccess, namespace } = config;
    const bus = await openBus({
      ...{ natsUrl, natsAccess, namespace, deployment },
      ...{ name: 'scoreboard-score', keepsStream: true, clock, log },
    });
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

async function findDeployment(
  { namespace, databaseSchema }: ScoreConfig,
  pool: PostgresPool,
  log: Log,
): Promise<DeploymentId> {
  const id = await whenItAnswers(() => readDeploymentId(pool), log);
  await whenItAnswers(() => checkNamespace(pool, namespace, databaseSchema), log);
  return id;
}

function connectServers(config: ScoreConfig, metrics: Metrics) {
  const database = { url: config.databaseUrl, schema: config.databaseSchema };
  const writePool = createPostgresPool({
    ...database,
    connections: ACCEPT_CONNECTIONS,
    applicationName: 'scoreboard-score-accept',
    statementTimeoutMs: WRITE_STATEMENT_TIMEOUT_MS,
  });
  const upkeepPool = createPostgresPool({
    ...database,
    connections: UPKEEP_CONNECTIONS,
    applicationName: 'scoreboard-score-upkeep',
    statementTimeoutMs: UPKEEP_STATEMENT_TIMEOUT_MS,
  });
  const auditPool = createPostgresPool({
    ...database,
    connections: AUDIT_CONNECTIONS,
    applicationName: 'scoreboard-score-audit',
    statementTimeoutMs: AUDIT_STATEMENT_TIMEOUT_MS,
  });
  const calls = createClientCalls(metrics);
  const auth = createGrpcClient(AuthService, {
    address: config.authAddress,
    ...config.identity,
    unavailable: 'AUTH_UNAVAILABLE',
    conversations: ['verifyActions'],
    calls,
  });
  const toRank = {
    address: config.rankAddress,
    ...config.identity,
    unavailable: 'RANK_UNAVAILABLE',
    calls,
  } as const;
  const rankStream = createGrpcClient(RankService, { ...toRank, conversations: ['projectStates'] });
  const rank = createGrpcClient(RankService, toRank);
  const rankIndex = createGrpcClient(IndexService, toRank);
  return {
    ...{ writePool, upkeepPool, auditPool, auth, rankStream, rank, rankIndex },
    async close() {
      for (const client of [auth, rankStream, rank, rankIndex]) client.close();
      const pools = [writePool, upkeepPool, auditPool];
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}
