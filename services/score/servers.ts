/**
 * Connections to what the score service can't do without for long: Postgres, which it waits for, and NATS, auth and rank, which
 * it starts without when they are away. A server whose settings would break a promise is refused.
 */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { type Bus, openBus } from '../shared/events/bus.ts';
import { createGrpcClient } from '../shared/grpc/grpc.ts';
import type { Clock } from '../shared/settings/clock.ts';
import { createPostgresPool } from '../shared/stores/postgres.ts';
import { checkPostgres } from '../shared/stores/start-checks.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { ERASURE_LIMIT_MS } from './audit/erasure-store.ts';
import { checkAuditChain } from './check-audit-chain.ts';
import type { ScoreConfig } from './config.ts';
import { ACCEPT_CONNECTIONS } from './submit/accept-lanes.ts';

/** Writers get connections of their own, so that what empties the outbox and reads limits can not hold up a commit. */
const UPKEEP_CONNECTIONS = 4;
/** What looks after the audit log reads much at a time, and nobody waits for it. */
const AUDIT_CONNECTIONS = 2;
/** Below the limits with which we wait: a database that lives answers before we take it for dead. */
const WRITE_STATEMENT_TIMEOUT_MS = 700;
const UPKEEP_STATEMENT_TIMEOUT_MS = 1_800;
const AUDIT_STATEMENT_TIMEOUT_MS = ERASURE_LIMIT_MS;
export type Servers = ReturnType<typeof connectServers> & { readonly bus: Bus };

/** Rejects with the line that says how to fix it when a server is unfit; nothing is left open then. */
export async function openServers(
  config: ScoreConfig,
  { log, clock }: { log: Log; clock: Clock },
): Promise<Servers> {
  const connections = connectServers(config);
  try {
    await checkPostgres(connections.upkeepPool, log);
    await checkAuditChain(connections.auditPool, config, log);
    const bus = await openBus({
      ...{ natsUrl: config.natsUrl, name: 'scoreboard-score', keepsStream: true, clock, log },
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

function connectServers(config: ScoreConfig) {
  const writePool = createPostgresPool({
    url: config.databaseUrl,
    connections: ACCEPT_CONNECTIONS,
    applicationName: 'scoreboard-score-accept',
    statementTimeoutMs: WRITE_STATEMENT_TIMEOUT_MS,
  });
  const upkeepPool = createPostgresPool({
    url: config.databaseUrl,
    connections: UPKEEP_CONNECTIONS,
    applicationName: 'scoreboard-score-upkeep',
    statementTimeoutMs: UPKEEP_STATEMENT_TIMEOUT_MS,
  });
  const auditPool = createPostgresPool({
    url: config.databaseUrl,
    connections: AUDIT_CONNECTIONS,
    applicationName: 'scoreboard-score-audit',
    statementTimeoutMs: AUDIT_STATEMENT_TIMEOUT_MS,
  });
  const auth = createGrpcClient(AuthService, {
    address: config.authAddress,
    ...config.identity,
    unavailable: 'AUTH_UNAVAILABLE',
    conversations: ['verifyActions'],
  });
  const toRank = {
    address: config.rankAddress,
    ...config.identity,
    unavailable: 'RANK_UNAVAILABLE',
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
