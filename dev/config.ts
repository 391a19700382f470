/** The environment of `npm start` as typed values. */
import { resolve } from 'node:path';
import type { AuditHead } from '../services/shared/audit-chain/audit-chain.ts';
import { parseNewKeyAfter } from '../services/shared/audit-chain/own-chain.ts';
import { joinHostPort, parseHost, reachableHost } from '../services/shared/net/host-port.ts';
import { type Environment, integer, optionalText, text } from '../services/shared/settings/env.ts';
import { type Mode, parseMode } from '../services/shared/settings/mode.ts';
import { parseLogLevel } from '../services/shared/telemetry/log.ts';

/** Our own processes; each has a port of its own. */
export const UNIT_NAMES = ['auth', 'score', 'rank', 'edge', 'fanout', 'game'] as const;
export type UnitName = (typeof UNIT_NAMES)[number];

const DEFAULT_PORTS: Readonly<Record<UnitName, number>> = {
  auth: 50_051,
  score: 50_052,
  rank: 50_053,
  edge: 8080,
  fanout: 8081,
  game: 8082,
};

export interface LocalConfig {
  readonly mode: Mode;
  /** Absolute. */
  readonly dataDir: string;
  /** Where the ports that players and pages use are bound. */
  readonly host: string;
  /** Where the ports between services are bound. */
  readonly internalHost: string;
  readonly ports: Readonly<Record<UnitName, number>>;
  /** Servers of the operator's own; a private one is started for each that is left out. */
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly natsUrl: string | undefined;
  /** The head of the audit chain after which a new audit key may go on. */
  readonly newAuditKeyAfter: AuditHead | undefined;
  /** Everything that was set, for the settings that processes take as they are. */
  readonly env: Environment;
}

/** These are called by our own services alone. */
const INTERNAL: readonly UnitName[] = ['auth', 'score', 'rank'];

/** Where the port of a process is bound. */
export function hostOf({ host, internalHost }: LocalConfig, name: UnitName): string {
  return INTERNAL.includes(name) ? internalHost : host;
}

export function hostVariable(name: UnitName): string {
  return INTERNAL.includes(name) ? 'INTERNAL_HOST' : 'HOST';
}

/** "host:port" by which a process is reached from this machine. */
export function addressOf(config: LocalConfig, name: UnitName): string {
  return joinHostPort(reachableHost(hostOf(config, name)), config.ports[name]);
}

export function portVariable(name: UnitName): string {
  return `${name.toUpperCase()}_PORT`;
}

export function parseLocalConfig(env: Environment): LocalConfig {
  // Every process takes it: told once here instead of by each of them.
  parseLogLevel(env);
  // A port that the system chooses could not be told to the other processes before they start.
  const port = (name: UnitName) =>
    integer(env, portVariable(name), DEFAULT_PORTS[name], { min: 1, max: 65_535 });
  const ports = {
    auth: port('auth'),
    score: port('score'),
    rank: port('rank'),
    edge: port('edge'),
    fanout: port('fanout'),
    game: port('game'),
  };
  for (const [at, name] of UNIT_NAMES.entries()) {
    const same = UNIT_NAMES.slice(0, at).find((other) => ports[other] === ports[name]);
    if (same === undefined) continue;
    throw new Error(`${portVariable(same)} and ${portVariable(name)} are both ${ports[name]}`);
  }
  return {
    mode: parseMode(env),
    dataDir: resolve(text(env, 'DATA_DIR', '.data')),
    host: parseHost(env, 'HOST'),
    internalHost: parseHost(env, 'INTERNAL_HOST'),
    ports,
    databaseUrl: optionalText(env, 'DATABASE_URL'),
    redisUrl: optionalText(env, 'REDIS_URL'),
    natsUrl: optionalText(env, 'NATS_URL'),
    newAuditKeyAfter: parseNewKeyAfter(env),
    env,
  };
}
