/** The configuration of a stack on this machine: the names, ports and addresses of its processes, and the operator's settings. */
import type { AuditHead } from '../../services/shared/audit-chain/audit-chain.ts';
import { joinHostPort, reachableHost } from '../../services/shared/net/host-port.ts';
import type { Environment } from '../../services/shared/settings/env.ts';
import type { Mode } from '../../services/shared/settings/mode.ts';

/** Our own processes; each listens on one port. */
export const UNIT_NAMES = ['auth', 'score', 'rank', 'edge', 'fanout', 'game'] as const;
export type UnitName = (typeof UNIT_NAMES)[number];

export interface LocalConfig {
  readonly mode: Mode;
  /** An absolute path. */
  readonly dataDir: string;
  /** The host to which the ports for players and pages are bound. */
  readonly host: string;
  /** The host to which the ports between services are bound. */
  readonly internalHost: string;
  readonly ports: Readonly<Record<UnitName, number>>;
  readonly namespace: string;
  readonly databaseSchema: string;
  /** The operator's servers. `npm start` starts a private server for each that is undefined. */
  readonly databaseUrl: string | undefined;
  /** Where to migrate a database that `databaseUrl` reaches through a pooler. */
  readonly databaseDirectUrl: string | undefined;
  /** Boards for the migration. */
  readonly boardsFile: string | undefined;
  readonly redisUrl: string | undefined;
  readonly natsUrl: string | undefined;
  /** The head of an audit chain whose key is lost; a new audit key continues after it. */
  readonly newAuditKeyAfter: AuditHead | undefined;
  /** The whole environment, for the settings that are passed on to the processes unread. */
  readonly env: Environment;
}

/** Only our own services call these. */
const INTERNAL = ['auth', 'score', 'rank'] as const;
export type InternalName = (typeof INTERNAL)[number];

export const isInternal = (name: UnitName): name is InternalName =>
  (INTERNAL as readonly UnitName[]).includes(name);

/** The host to which the port of a process is bound. */
export function hostOf({ host, internalHost }: LocalConfig, name: UnitName): string {
  return isInternal(name) ? internalHost : host;
}

export function hostVariable(name: UnitName): string {
  return isInternal(name) ? 'INTERNAL_HOST' : 'HOST';
}

/** Returns "host:port" by which a process is reached from this machine. */
export function addressOf(config: LocalConfig, name: UnitName): string {
  return joinHostPort(reachableHost(hostOf(config, name)), config.ports[name]);
}

/** Of the port of /metrics, /healthz and /readyz, from the port of the process. */
export const ADMIN_PORT_OFFSET = 1_000;

export function adminPortOf({ ports }: Pick<LocalConfig, 'ports'>, name: UnitName): number {
  return ports[name] + ADMIN_PORT_OFFSET;
}

export function portVariable(name: UnitName): `${Uppercase<UnitName>}_PORT` {
  return `${name.toUpperCase() as Uppercase<UnitName>}_PORT`;
}
