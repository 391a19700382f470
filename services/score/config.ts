/** Environment of the score service. */
import { parseAuditKey } from '../shared/audit-chain.ts';
import { type Environment, port, secret, text } from '../shared/env.ts';
import { readServiceDigests, type ServiceDigests } from '../shared/service-keys.ts';

export interface ScoreConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  databaseUrl: string;
  redisUrl: string;
  natsUrl: string;
  /** host:port of the auth service. */
  authAddress: string;
  /** This service's own key. */
  serviceKey: string;
  /** The keys of those who may call. */
  digests: ServiceDigests;
  /** What the heads of the audit chain are made with. */
  auditKey: Buffer;
}

export function parseScoreConfig(env: Environment): ScoreConfig {
  const scorePort = port(env, 'SCORE_PORT', 50_052);
  return {
    host: text(env, 'HOST', '127.0.0.1'),
    port: scorePort,
    adminHost: text(env, 'ADMIN_HOST', '127.0.0.1'),
    adminPort: port(env, 'ADMIN_PORT', scorePort + 1000),
    databaseUrl: text(env, 'DATABASE_URL'),
    redisUrl: text(env, 'REDIS_URL'),
    natsUrl: text(env, 'NATS_URL'),
    authAddress: text(env, 'AUTH_ADDRESS', '127.0.0.1:50051'),
    serviceKey: secret(env, 'SERVICE_KEY'),
    digests: readServiceDigests(text(env, 'SERVICE_DIGESTS_FILE')),
    auditKey: parseAuditKey(secret(env, 'AUDIT_KEY')),
  };
}
