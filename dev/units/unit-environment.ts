/**
 * The complete environment of each process: the values that the stack decides, and the operator's values of the other settings that
 * the process reads (services/shared/settings). A process gets no other variables, so that a leak in one process does not expose the
 * secrets of another.
 */
import { auditKeyFile, digestsFile, keyFile } from '../../services/provision/secrets.ts';
import { certificateFiles } from '../../services/shared/identity/service-certificate.ts';
import { authKeysDir, certificatesDir, secretsDir } from '../../services/shared/identity/stack-file.ts';
import { unixAddress } from '../../services/shared/net/unix-socket.ts';
import { type SettingName, settingsOf } from '../../services/shared/settings/settings.ts';
import { SERVER_VARIABLES, type ServerAddresses, serverEnvironment } from '../servers/server-access.ts';
import {
  addressOf,
  type InternalName,
  isInternal,
  type LocalConfig,
  type UnitName,
} from '../site/local-config.ts';
import type { SocketPaths } from '../site/sockets.ts';

/** The variables of the system that every process gets. Proxy settings are left out: all addresses are on this machine. */
const SYSTEM_VARIABLES = [
  ...['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'],
  ...['NODE_ENV', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'UV_THREADPOOL_SIZE'],
];

/** No process gets the operator's value of these: `DATABASE_URL_FILE` would contradict the address that the stack decides. */
const SERVER_SETTINGS = ['DATABASE', 'REDIS', 'NATS'].flatMap((server) =>
  ['URL', 'URL_FILE', 'PASSWORD', 'PASSWORD_FILE'].map((part) => `${server}_${part}`),
);
/** How to reach the operator's servers. The private ones ask for nothing of it. */
const ACCESS_SETTINGS = {
  redis: ['REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'],
  nats: ['NATS_CA_FILE', 'NATS_CERT_FILE', 'NATS_KEY_FILE', 'NATS_CREDENTIALS', 'NATS_CREDENTIALS_FILE'],
} as const;

type Decided = Readonly<Partial<Record<SettingName, string | undefined>>>;

export function unitEnvironment(
  name: UnitName,
  config: LocalConfig,
  servers: ServerAddresses,
  adminPort: number,
  sockets: SocketPaths = {},
): Record<string, string> {
  const reads = settingsOf(name);
  const decided: Decided = {
    ...decideAddresses(config, sockets),
    INTERNAL_SOCKET: isInternal(name) ? sockets[name] : undefined,
    ...decideIdentity(name, config),
    ...decideServers(name, reads, servers, secretsDir(config.dataDir)),
    ADMIN_PORT: String(adminPort),
    // The metrics stay on the loopback address.
    ADMIN_HOST: undefined,
  };
  const choose = (variable: SettingName) => (variable in decided ? decided[variable] : config.env[variable]);
  return {
    ...systemEnvironment(config),
    ...withoutUndefined(reads.map((variable) => [variable, choose(variable)])),
  };
}

function decideAddresses(config: LocalConfig, sockets: SocketPaths): Decided {
  const address = (name: InternalName) => {
    const path = sockets[name];
    return path === undefined ? addressOf(config, name) : unixAddress(path);
  };
  return {
    AUTH_ADDRESS: address('auth'),
    SCORE_ADDRESS: address('score'),
    RANK_ADDRESS: address('rank'),
    AUTH_PORT: String(config.ports.auth),
    SCORE_PORT: String(config.ports.score),
    RANK_PORT: String(config.ports.rank),
    EDGE_PORT: String(config.ports.edge),
    FANOUT_PORT: String(config.ports.fanout),
    GAME_PORT: String(config.ports.game),
  };
}

/** Keys and certificates are files, so that no value of a secret is in an environment. */
function decideIdentity(name: UnitName, { mode, dataDir }: LocalConfig): Decided {
  const secrets = secretsDir(dataDir);
  const inProduction = mode === 'production';
  const { cert, key, ca } = certificateFiles(certificatesDir(dataDir), name);
  return {
    DATA_DIR: undefined,
    AUTH_KEYS_DIR: authKeysDir(dataDir),
    AUDIT_KEY: undefined,
    AUDIT_KEY_FILE: auditKeyFile(secrets),
    SERVICE_KEY: undefined,
    SERVICE_KEY_FILE: inProduction ? undefined : keyFile(secrets, name),
    SERVICE_DIGESTS_FILE: inProduction ? undefined : digestsFile(secrets),
    TLS_CERT_FILE: inProduction ? cert : undefined,
    TLS_KEY_FILE: inProduction ? key : undefined,
    TLS_CA_FILE: inProduction ? ca : undefined,
  };
}

function decideServers(
  name: UnitName,
  reads: readonly SettingName[],
  servers: ServerAddresses,
  secrets: string,
): Decided {
  const used = SERVER_VARIABLES.filter((variable) => reads.includes(variable));
  const unasked = (['redis', 'nats'] as const).flatMap((store) =>
    servers[store].ownUsers ? ACCESS_SETTINGS[store] : [],
  );
  return Object.assign(
    Object.fromEntries([...SERVER_SETTINGS, ...unasked].map((variable) => [variable, undefined])),
    ...used.map((variable) => serverEnvironment(variable, name, servers, secrets)),
  );
}

/** The variables that every child of the stack gets. */
export function systemEnvironment({ env }: LocalConfig): Record<string, string> {
  return withoutUndefined(SYSTEM_VARIABLES.map((name) => [name, env[name]]));
}

function withoutUndefined(
  entries: readonly (readonly [name: string, value: string | undefined])[],
): Record<string, string> {
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
