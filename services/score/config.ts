/** Environment of the score service. */
import { type AuditHead, parseAuditKey } from '../shared/audit-chain/audit-chain.ts';
import { parseNewKeyAfter } from '../shared/audit-chain/own-chain.ts';
import {
  type CallerCheck,
  parseCallerCheck,
  parseServiceIdentity,
  type ServiceIdentity,
} from '../shared/identity/service-identity.ts';
import { parseHost } from '../shared/net/host-port.ts';
import {
  type Environment,
  optionalSecret,
  optionalText,
  port,
  secret,
  secretUrl,
  text,
  withPassword,
} from '../shared/settings/env.ts';
import { parseMode } from '../shared/settings/mode.ts';
import type { Secret } from '../shared/settings/secret.ts';

export interface ScoreConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  databaseUrl: Secret;
  natsUrl: Secret;
  /** host:port of the auth service. */
  authAddress: string;
  /** host:port of the rank service. */
  rankAddress: string;
  /** What the heads of the audit chain are made with, in the form that `parseAuditKey` reads. */
  auditKey: Secret;
  /** Where that key was read, for the operator. */
  auditKeySource: string;
  /** The head of a link of another key, after which this one may go on. */
  newAuditKeyAfter: AuditHead | undefined;
  /** What auth and rank are shown. */
  identity: ServiceIdentity;
  /** By what those who call are recognised. */
  callers: CallerCheck;
  /** Whether tools may ask the gRPC port what it offers. */
  reflection: boolean;
}

export function parseScoreConfig(env: Environment): ScoreConfig {
  const scorePort = port(env, 'SCORE_PORT', 50_052);
  return {
    host: parseHost(env, 'INTERNAL_HOST'),
    port: scorePort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', scorePort + 1000),
    databaseUrl: withPassword(secretUrl(env, 'DATABASE_URL'), optionalSecret(env, 'DATABASE_PASSWORD')),
    natsUrl: withPassword(secretUrl(env, 'NATS_URL'), optionalSecret(env, 'NATS_PASSWORD')),
    authAddress: text(env, 'AUTH_ADDRESS', '127.0.0.1:50051'),
    rankAddress: text(env, 'RANK_ADDRESS', '127.0.0.1:50053'),
    identity: parseServiceIdentity(env, 'score'),
    callers: parseCallerCheck(env, 'score'),
    reflection: parseMode(env) === 'development',
    auditKey: auditKey(env),
    auditKeySource: optionalText(env, 'AUDIT_KEY_FILE') ?? 'AUDIT_KEY',
    newAuditKeyAfter: parseNewKeyAfter(env),
  };
}

/** Looked at here, so that a wrong one is told before anything starts. */
function auditKey(env: Environment): Secret {
  const key = secret(env, 'AUDIT_KEY');
  parseAuditKey(key);
  return key;
}
