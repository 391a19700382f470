/** Environment of the score service. */
import { type Environment, optionalSecret, port, secret, text, withPassword } from '../shared/env.ts';
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
}

export function parseScoreConfig(env: Environment): ScoreConfig {
  const scorePort = port(env, 'SCORE_PORT', 50_052);
  return {
    host: text(env, 'HOST', '127.0.0.1'),
    port: scorePort,
    adminHost: text(env, 'ADMIN_HOST', '127.0.0.1'),
    adminPort: port(env, 'ADMIN_PORT', scorePort + 1000),
    databaseUrl: withPassword(text(env, 'DATABASE_URL'), optionalSecret(env, 'DATABASE_PASSWORD')),
    redisUrl: withPassword(text(env, 'REDIS_URL'), optionalSecret(env, 'REDIS_PASSWORD')),
    natsUrl: withPassword(text(env, 'NATS_URL'), optionalSecret(env, 'NATS_PASSWORD')),
    authAddress: text(env, 'AUTH_ADDRESS', '127.0.0.1:50051'),
    serviceKey: secret(env, 'SERVICE_KEY'),
    digests: readServiceDigests(text(env, 'SERVICE_DIGESTS_FILE')),
  };
}
