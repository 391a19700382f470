/** Environment of the rank service. */

import { type CallerCheck, parseCallerCheck } from '../shared/identity/service-identity.ts';
import { parseHost } from '../shared/net/host-port.ts';
import { type Environment, optionalSecret, port, secretUrl, withPassword } from '../shared/settings/env.ts';
import { parseMode } from '../shared/settings/mode.ts';
import type { Secret } from '../shared/settings/secret.ts';

export interface RankConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  databaseUrl: Secret;
  redisUrl: Secret;
  natsUrl: Secret;
  /** By what those who call are recognised. */
  callers: CallerCheck;
  /** Whether tools may ask the gRPC port what it offers. */
  reflection: boolean;
}

export function parseRankConfig(env: Environment): RankConfig {
  const rankPort = port(env, 'RANK_PORT', 50_053);
  return {
    host: parseHost(env, 'INTERNAL_HOST'),
    port: rankPort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', rankPort + 1000),
    databaseUrl: withPassword(secretUrl(env, 'DATABASE_URL'), optionalSecret(env, 'DATABASE_PASSWORD')),
    redisUrl: withPassword(secretUrl(env, 'REDIS_URL'), optionalSecret(env, 'REDIS_PASSWORD')),
    natsUrl: withPassword(secretUrl(env, 'NATS_URL'), optionalSecret(env, 'NATS_PASSWORD')),
    callers: parseCallerCheck(env, 'rank'),
    reflection: parseMode(env) === 'development',
  };
}
