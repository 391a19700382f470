/** The auth service's environment as typed values. */
import { join } from 'node:path';
import { type CallerCheck, parseCallerCheck } from '../shared/identity/service-identity.ts';
import { parseHost } from '../shared/net/host-port.ts';
import {
  type Environment,
  flag,
  integer,
  optionalSecret,
  port,
  secretUrl,
  text,
  withPassword,
} from '../shared/settings/env.ts';
import { parseMode } from '../shared/settings/mode.ts';
import type { Secret } from '../shared/settings/secret.ts';
import { MAX_TOKEN_AGE_S, parseTokenPolicy } from '../shared/tokens/token-policy.ts';
import { MAX_ACTION_LIFETIME_S } from './keys/key-store.ts';

const DEFAULT_PORT = 50_051;
const ADMIN_PORT_OFFSET = 1_000;
const DEFAULT_TOKEN_LIFETIME_S = 10 * 60;
const DEFAULT_ACTION_LIFETIME_S = 15 * 60;

export interface AuthConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  readonly databaseUrl: Secret;
  /** Holds token-keys.json and action-keys.json. */
  readonly keysDir: string;
  readonly issuer: string;
  readonly audience: string;
  readonly tokenLifetimeS: number;
  readonly actionLifetimeS: number;
  readonly allowV0Signatures: boolean;
  readonly callers: CallerCheck;
  /** Whether tools may ask the gRPC port what it offers. */
  readonly reflection: boolean;
}

export function parseKeysDir(env: Environment): string {
  return text(env, 'AUTH_KEYS_DIR', join(text(env, 'DATA_DIR', '.data'), 'auth-keys'));
}

export function parseAuthConfig(env: Environment): AuthConfig {
  const mainPort = port(env, 'AUTH_PORT', DEFAULT_PORT);
  const { issuer, audience } = parseTokenPolicy(env);
  return {
    host: parseHost(env, 'INTERNAL_HOST'),
    port: mainPort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', mainPort === 0 ? 0 : mainPort + ADMIN_PORT_OFFSET),
    databaseUrl: withPassword(secretUrl(env, 'DATABASE_URL'), optionalSecret(env, 'DATABASE_PASSWORD')),
    keysDir: parseKeysDir(env),
    issuer,
    audience,
    tokenLifetimeS: integer(env, 'TOKEN_LIFETIME_S', DEFAULT_TOKEN_LIFETIME_S, {
      min: 1,
      max: MAX_TOKEN_AGE_S,
    }),
    actionLifetimeS: integer(env, 'ACTION_LIFETIME_S', DEFAULT_ACTION_LIFETIME_S, {
      min: 1,
      max: MAX_ACTION_LIFETIME_S,
    }),
    allowV0Signatures: flag(env, 'ALLOW_V0_SIGNATURES', false),
    callers: parseCallerCheck(env, 'auth'),
    reflection: parseMode(env) === 'development',
  };
}
