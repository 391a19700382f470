/** Environment of the score service. */
import { type Environment, port, secret, secretUrl, text } from '../shared/env.ts';
import type { Secret } from '../shared/secret.ts';
import { readServiceDigests, type ServiceDigests } from '../shared/service-keys.ts';

export interface ScoreConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  databaseUrl: Secret;
  redisUrl: Secret;
  natsUrl: Secret;
  /** host:port of the auth service. */
  authAddress: string;
  /** This service's own key. */
  serviceKey: Secret;
  /** The keys of those who may call. */
  digests: ServiceDigests;
}

export function parseScoreConfig(env: Environment): ScoreConfig {
  const scorePort = port(env, 'SCORE_PORT', 50_052);
  return {
    host: text(env, 'HOST', '127.0.0.1'),
    port: scorePort,
    adminHost: text(env, 'ADMIN_HOST', '127.0.0.1'),
    adminPort: port(env, 'ADMIN_PORT', scorePort + 1000),
    databaseUrl: secretUrl(env, 'DATABASE_URL'),
    redisUrl: secretUrl(env, 'REDIS_URL'),
    natsUrl: secretUrl(env, 'NATS_URL'),
    authAddress: text(env, 'AUTH_ADDRESS', '127.0.0.1:50051'),
    serviceKey: secret(env, 'SERVICE_KEY'),
    digests: readServiceDigests(text(env, 'SERVICE_DIGESTS_FILE')),
  };
}
