/**
 * The table of our own processes: where each starts, which of the stack's facts it is told, and which of the operator's
 * settings it takes. A process gets nothing else, so a leak in one does not carry another's secrets.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { auditKeyFile, digestsFile, keyFile } from '../../services/provision/secrets.ts';
import { certificateFiles } from '../../services/shared/identity/service-certificate.ts';
import { certificatesDir } from '../../services/shared/identity/stack-file.ts';
import type { Environment } from '../../services/shared/settings/env.ts';
import { addressOf, type LocalConfig, type UnitName } from '../config.ts';
import {
  isServerVariable,
  type ServerAddresses,
  type ServerVariable,
  serverEnvironment,
} from '../servers/server-access.ts';

export interface Unit {
  readonly entry: string;
  /** Stops in this order: those that players talk to first, those that others need last. */
  readonly stopsInTurn: 1 | 2 | 3;
  readonly facts: readonly Fact[];
  /** Names of settings; one that ends in "_" stands for all that begin like it. */
  readonly settings: readonly string[];
  /** Other units without which it serves, but not all: a start waits until it has found them. */
  readonly needs?: readonly UnitName[];
}

/** Everything that the stack decides for its processes. */
type Fact =
  | ServerVariable
  | 'AUTH_ADDRESS'
  | 'SCORE_ADDRESS'
  | 'RANK_ADDRESS'
  | 'AUTH_KEYS_DIR'
  | 'SERVICE_KEY_FILE'
  | 'SERVICE_DIGESTS_FILE'
  | 'AUDIT_KEY_FILE'
  | 'AUTH_PORT'
  | 'SCORE_PORT'
  | 'RANK_PORT'
  | 'EDGE_PORT'
  | 'FANOUT_PORT'
  | 'GAME_PORT';

const TOKEN_POLICY = ['TOKEN_ISSUER', 'TOKEN_AUDIENCE', 'IDP_'];

export const UNITS: Readonly<Record<UnitName, Unit>> = {
  auth: {
    entry: 'services/auth/main.ts',
    stopsInTurn: 3,
    facts: ['AUTH_PORT', 'DATABASE_URL', 'AUTH_KEYS_DIR', 'SERVICE_DIGESTS_FILE'],
    settings: [...TOKEN_POLICY, 'TOKEN_LIFETIME_S', 'ACTION_LIFETIME_S', 'ALLOW_V0_SIGNATURES'],
  },
  score: {
    entry: 'services/score/main.ts',
    stopsInTurn: 2,
    facts: [
      ...(['SCORE_PORT', 'DATABASE_URL', 'NATS_URL', 'AUTH_ADDRESS', 'RANK_ADDRESS'] as const),
      ...(['SERVICE_KEY_FILE', 'SERVICE_DIGESTS_FILE', 'AUDIT_KEY_FILE'] as const),
    ],
    settings: ['AUDIT_NEW_KEY_AFTER'],
    needs: ['rank'],
  },
  rank: {
    entry: 'services/rank/main.ts',
    stopsInTurn: 3,
    facts: ['RANK_PORT', 'DATABASE_URL', 'REDIS_URL', 'NATS_URL', 'SERVICE_DIGESTS_FILE'],
    settings: [],
  },
  edge: {
    entry: 'edge/http/main.ts',
    stopsInTurn: 1,
    facts: [
      ...(['EDGE_PORT', 'FANOUT_PORT', 'GAME_PORT', 'REDIS_URL'] as const),
      ...(['SCORE_ADDRESS', 'RANK_ADDRESS', 'AUTH_ADDRESS', 'SERVICE_KEY_FILE'] as const),
    ],
    settings: [
      ...[...TOKEN_POLICY, 'ALLOWED_ORIGINS', 'TRUSTED_PROXIES', 'RATE_', 'MAX_CONNECTIONS'],
      ...['FANOUT_PUBLIC_URL', 'GAME_PUBLIC_URL'],
    ],
    needs: ['score', 'rank'],
  },
  fanout: {
    entry: 'edge/fanout/main.ts',
    stopsInTurn: 1,
    facts: ['FANOUT_PORT', 'EDGE_PORT', 'NATS_URL', 'RANK_ADDRESS', 'AUTH_ADDRESS', 'SERVICE_KEY_FILE'],
    settings: [
      ...[...TOKEN_POLICY, 'ALLOWED_ORIGINS', 'TRUSTED_PROXIES', 'ADDRESS_LIMIT_EXEMPT'],
      ...['TICK_MS', 'MAX_SOCKETS', 'MAX_SOCKETS_PER_ADDRESS', 'MAX_UPGRADES_PER_S', 'SLOW_CONSUMER_MS'],
    ],
    needs: ['rank'],
  },
  game: {
    entry: 'services/game/main.ts',
    stopsInTurn: 1,
    facts: ['GAME_PORT', 'EDGE_PORT', 'AUTH_ADDRESS', 'SERVICE_KEY_FILE'],
    settings: [...TOKEN_POLICY, 'ALLOWED_ORIGINS', 'TRUSTED_PROXIES', 'GAME_'],
  },
};

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function entryPath(entry: string): string {
  return join(ROOT, entry);
}

/** What every process needs from the system around it. Proxy settings are left out: all addresses are on this machine. */
const SYSTEM_SETTINGS = [
  ...['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'],
  ...['NODE_ENV', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'UV_THREADPOOL_SIZE'],
];
const COMMON_SETTINGS = ['HOST', 'INTERNAL_HOST', 'LOG_LEVEL', 'SCOREBOARD_MODE'];

/** The complete environment of one process. */
export function unitEnvironment(
  name: UnitName,
  config: LocalConfig,
  servers: ServerAddresses,
  adminPort: number,
): Record<string, string> {
  const { facts, settings } = UNITS[name];
  const secrets = secretsDir(config.dataDir);
  const known: Record<Exclude<Fact, ServerVariable>, string> = {
    AUTH_ADDRESS: addressOf(config, 'auth'),
    SCORE_ADDRESS: addressOf(config, 'score'),
    RANK_ADDRESS: addressOf(config, 'rank'),
    AUTH_KEYS_DIR: authKeysDir(config.dataDir),
    SERVICE_KEY_FILE: keyFile(secrets, name),
    SERVICE_DIGESTS_FILE: digestsFile(secrets),
    AUDIT_KEY_FILE: auditKeyFile(secrets),
    AUTH_PORT: String(config.ports.auth),
    SCORE_PORT: String(config.ports.score),
    RANK_PORT: String(config.ports.rank),
    EDGE_PORT: String(config.ports.edge),
    FANOUT_PORT: String(config.ports.fanout),
    GAME_PORT: String(config.ports.game),
  };
  const inProduction = config.mode === 'production';
  const given = inProduction ? facts.filter((fact) => !isOfServiceKeys(fact)) : facts;
  return {
    ...systemEnvironment(config),
    ...pick(config.env, [...COMMON_SETTINGS, ...settings]),
    ...Object.fromEntries(
      given.flatMap((fact) =>
        isServerVariable(fact)
          ? Object.entries(serverEnvironment(fact, name, servers, secrets))
          : [[fact, known[fact]]],
      ),
    ),
    ...(inProduction && certificateEnvironment(config.dataDir, name)),
    ADMIN_PORT: String(adminPort),
  };
}

const isOfServiceKeys = (fact: Fact) => fact === 'SERVICE_KEY_FILE' || fact === 'SERVICE_DIGESTS_FILE';

function certificateEnvironment(dataDir: string, name: UnitName): Record<string, string> {
  const { cert, key, ca } = certificateFiles(certificatesDir(dataDir), name);
  return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca };
}

/** What any child of the stack is told. */
export function systemEnvironment({ env }: LocalConfig): Record<string, string> {
  return pick(env, SYSTEM_SETTINGS);
}

export function secretsDir(dataDir: string): string {
  return join(dataDir, 'secrets');
}

export function authKeysDir(dataDir: string): string {
  return join(dataDir, 'auth-keys');
}

function pick(env: Environment, names: readonly string[]): Record<string, string> {
  const wanted = (name: string) =>
    names.some((candidate) => (candidate.endsWith('_') ? name.startsWith(candidate) : name === candidate));
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && wanted(name)) found[name] = value;
  }
  return found;
}
