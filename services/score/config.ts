/** The settings of the score service, from the environment. */
import { type AuditHead, parseAuditKey } from '../shared/audit-chain/audit-chain.ts';
import { parseNewKeyAfter } from '../shared/audit-chain/own-chain.ts';
import {
  type CallerCheck,
  parseCallerCheck,
  parseServiceIdentity,
  type ServiceIdentity,
} from '../shared/identity/service-identity.ts';
import { parseHost } from '../shared/net/host-port.ts';
import { serviceAddresses } from '../shared/net/service-addresses.ts';
import { parseSocket } from '../shared/net/unix-socket.ts';
import { type Environment, flag, integer, optionalText, port, secret } from '../shared/settings/env.ts';
import { parseMode } from '../shared/settings/mode.ts';
import type { Secret } from '../shared/settings/secret.ts';
import { parseNamespace } from '../shared/stores/names.ts';
import { type NatsAccess, parseNatsAccess, parseNatsUrl } from '../shared/stores/nats/nats-address.ts';
import { parseSchema } from '../shared/stores/postgres/database-schema.ts';
import { databaseUrl } from '../shared/stores/postgres/database-url.ts';
import { type IsDenied, readDeniedNames } from '../shared/values/denied-names.ts';

export interface ScoreConfig {
  host: string;
  port: number;
  /** The path of a Unix socket for callers on the same machine. */
  socket?: string | undefined;
  adminHost: string;
  adminPort: number;
  databaseUrl: Secret;
  databaseSchema: string;
  /** NAMESPACE: what the names in NATS and Redis begin with. */
  namespace: string;
  natsUrl: Secret;
  natsAccess?: NatsAccess | undefined;
  /** host:port of the auth service, or unix:PATH. */
  authAddress: string;
  /** host:port of the rank service, or unix:PATH. */
  rankAddress: string;
  /** How long a submission waits for its rank after the commit, in milliseconds. */
  rankWaitMs: number;
  /** Whether the first score of an unknown board creates it. */
  boardsByFirstScore: boolean;
  /** The key that makes the heads of the audit chain, in the form that `parseAuditKey` reads. */
  auditKey: Secret;
  /** The setting or file that the key was read from, for messages. */
  auditKeySource: string;
  /** The head of a link of another key after which this key may continue the chain. */
  newAuditKeyAfter: AuditHead | undefined;
  /** How this service identifies itself to auth and rank. */
  identity: ServiceIdentity;
  /** How callers are identified. */
  callers: CallerCheck;
  /** Names that are not shown. */
  isDeniedName: IsDenied;
  /** Whether the gRPC port offers reflection. */
  reflection: boolean;
}

export function parseScoreConfig(env: Environment): ScoreConfig {
  const scorePort = port(env, 'SCORE_PORT');
  return {
    host: parseHost(env, 'INTERNAL_HOST'),
    port: scorePort,
    socket: parseSocket(env),
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', scorePort + 1000),
    databaseUrl: databaseUrl(env),
    databaseSchema: parseSchema(env),
    namespace: parseNamespace(env),
    natsUrl: parseNatsUrl(env),
    natsAccess: parseNatsAccess(env),
    authAddress: serviceAddresses(env, 'AUTH_ADDRESS'),
    rankAddress: serviceAddresses(env, 'RANK_ADDRESS'),
    rankWaitMs: integer(env, 'RANK_WAIT_MS', { min: 10, max: 500 }),
    identity: parseServiceIdentity(env, 'score'),
    callers: parseCallerCheck(env, 'score'),
    boardsByFirstScore: flag(env, 'BOARDS_BY_FIRST_SCORE', parseMode(env) === 'development'),
    reflection: parseMode(env) === 'development',
    isDeniedName: readDeniedNames(env),
    auditKey: auditKey(env),
    auditKeySource: optionalText(env, 'AUDIT_KEY_FILE') ?? 'AUDIT_KEY',
    newAuditKeyAfter: parseNewKeyAfter(env),
  };
}

/** Parsed here as well, so that an invalid key is reported before anything starts. */
function auditKey(env: Environment): Secret {
  const key = secret(env, 'AUDIT_KEY');
  parseAuditKey(key);
  return key;
}
