/** Environment of the rank service. */
import { parseCallerCheck } from '../shared/identity/service-identity.ts';
import { parseHost } from '../shared/net/host-port.ts';
import { parseSocket } from '../shared/net/unix-socket.ts';
import type { ServicePortsConfig } from '../shared/process/service-ports.ts';
import { type Environment, port } from '../shared/settings/env.ts';
import { parseMode } from '../shared/settings/mode.ts';
import type { Secret } from '../shared/settings/secret.ts';
import { parseNamespace } from '../shared/stores/names.ts';
import { type NatsAccess, parseNatsAccess, parseNatsUrl } from '../shared/stores/nats/nats-address.ts';
import { parseSchema } from '../shared/stores/postgres/database-schema.ts';
import { databaseUrl } from '../shared/stores/postgres/database-url.ts';
import { parseRedisUrl } from '../shared/stores/redis/redis-address.ts';
import { parseTlsFiles, type TlsFiles } from '../shared/stores/tls-files.ts';

export interface RankConfig extends ServicePortsConfig {
  readonly databaseUrl: Secret;
  readonly databaseSchema: string;
  /** NAMESPACE: what the names in NATS and Redis begin with. */
  readonly namespace: string;
  readonly redisUrl: Secret;
  readonly redisTls?: TlsFiles | undefined;
  readonly natsUrl: Secret;
  readonly natsAccess?: NatsAccess | undefined;
}

export function parseRankConfig(env: Environment): RankConfig {
  const rankPort = port(env, 'RANK_PORT');
  return {
    host: parseHost(env, 'INTERNAL_HOST'),
    port: rankPort,
    socket: parseSocket(env),
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', rankPort + 1000),
    databaseUrl: databaseUrl(env),
    databaseSchema: parseSchema(env),
    namespace: parseNamespace(env),
    redisUrl: parseRedisUrl(env),
    redisTls: parseTlsFiles(env, 'REDIS'),
    natsUrl: parseNatsUrl(env),
    natsAccess: parseNatsAccess(env),
    callers: parseCallerCheck(env, 'rank'),
    reflection: parseMode(env) === 'development',
  };
}
