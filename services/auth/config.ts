/** Environment of the auth service. */
import { type CallerCheck, parseCallerCheck } from '../shared/identity/service-identity.ts';
import { authKeysDir } from '../shared/identity/stack-file.ts';
import { parseHost } from '../shared/net/host-port.ts';
import { parseSocket } from '../shared/net/unix-socket.ts';
import { type Environment, flag, integer, port, text } from '../shared/settings/env.ts';
import { parseMode } from '../shared/settings/mode.ts';
import type { Secret } from '../shared/settings/secret.ts';
import { parseSchema } from '../shared/stores/postgres/database-schema.ts';
import { databaseUrl } from '../shared/stores/postgres/database-url.ts';
import { MAX_TOKEN_AGE_S, parseTokenPolicy, type TokenPolicy } from '../shared/tokens/rules/token-policy.ts';
import { type IsDenied, readDeniedNames } from '../shared/values/denied-names.ts';
import { MAX_ACTION_LIFETIME_S } from './keys/key-store.ts';

const ADMIN_PORT_OFFSET = 1_000;

export interface AuthConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The path of a Unix socket for callers on the same machine. */
  readonly socket?: string | undefined;
  readonly adminHost: string;
  readonly adminPort: number;
  readonly databaseUrl: Secret;
  readonly databaseSchema: string;
  /** The folder with token-keys.json and action-keys.json. */
  readonly keysDir: string;
  readonly tokenPolicy: TokenPolicy;
  readonly tokenLifetimeS: number;
  readonly actionLifetimeS: number;
  readonly allowV0Signatures: boolean;
  readonly isDeniedName: IsDenied;
  readonly callers: CallerCheck;
  /** Whether tools may ask the gRPC port what it offers. */
  readonly reflection: boolean;
}

export function parseKeysDir(env: Environment): string {
  return text(env, 'AUTH_KEYS_DIR', authKeysDir(text(env, 'DATA_DIR')));
}

export function parseAuthConfig(env: Environment): AuthConfig {
  const mainPort = port(env, 'AUTH_PORT');
  return {
    host: parseHost(env, 'INTERNAL_HOST'),
    port: mainPort,
    socket: parseSocket(env),
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', mainPort === 0 ? 0 : mainPort + ADMIN_PORT_OFFSET),
    databaseUrl: databaseUrl(env),
    databaseSchema: parseSchema(env),
    keysDir: parseKeysDir(env),
    tokenPolicy: parseTokenPolicy(env),
    tokenLifetimeS: integer(env, 'TOKEN_LIFETIME_S', {
      min: 1,
      max: MAX_TOKEN_AGE_S,
    }),
    actionLifetimeS: integer(env, 'ACTION_LIFETIME_S', {
      min: 1,
      max: MAX_ACTION_LIFETIME_S,
    }),
    allowV0Signatures: flag(env, 'ALLOW_V0_SIGNATURES'),
    isDeniedName: readDeniedNames(env),
    callers: parseCallerCheck(env, 'auth'),
    reflection: parseMode(env) === 'development',
  };
}
