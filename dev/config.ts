/** Parses the environment of `npm start`. */
import { resolve } from 'node:path';
import { parseNewKeyAfter } from '../services/shared/audit-chain/own-chain.ts';
import { parseHost } from '../services/shared/net/host-port.ts';
import {
  type Environment,
  integer,
  optionalSecret,
  optionalText,
  text,
} from '../services/shared/settings/env.ts';
import { parseMode } from '../services/shared/settings/mode.ts';
import { parseNamespace } from '../services/shared/stores/names.ts';
import { parseSchema } from '../services/shared/stores/postgres/database-schema.ts';
import { directDatabaseUrl, optionalDatabaseUrl } from '../services/shared/stores/postgres/database-url.ts';
import { parseLogLevel } from '../services/shared/telemetry/log.ts';
import {
  ADMIN_PORT_OFFSET,
  adminPortOf,
  type LocalConfig,
  portVariable,
  UNIT_NAMES,
  type UnitName,
} from './site/local-config.ts';

export function parseLocalConfig(env: Environment): LocalConfig {
  // Every process reads it: checked here, so that a wrong value is reported once and not by each process.
  parseLogLevel(env);
  return {
    mode: parseMode(env),
    dataDir: resolve(text(env, 'DATA_DIR')),
    host: parseHost(env, 'HOST'),
    internalHost: parseHost(env, 'INTERNAL_HOST'),
    ports: parsePorts(env),
    namespace: parseNamespace(env),
    databaseSchema: parseSchema(env),
    databaseUrl: optionalDatabaseUrl(env)?.reveal(),
    databaseDirectUrl: directDatabaseUrl(env)?.reveal(),
    redisUrl: optionalSecret(env, 'REDIS_URL')?.reveal(),
    natsUrl: optionalSecret(env, 'NATS_URL')?.reveal(),
    boardsFile: optionalText(env, 'BOARDS_FILE'),
    newAuditKeyAfter: parseNewKeyAfter(env),
    env,
  };
}

function parsePorts(env: Environment): Record<UnitName, number> {
  // 0 is refused: the other processes must know a port before the system could choose it.
  const port = (name: UnitName) =>
    integer(env, portVariable(name), { min: 1, max: 65_535 - ADMIN_PORT_OFFSET });
  const ports = {
    auth: port('auth'),
    score: port('score'),
    rank: port('rank'),
    edge: port('edge'),
    fanout: port('fanout'),
    game: port('game'),
  };
  const uses = UNIT_NAMES.flatMap((name) => [
    { port: ports[name], is: portVariable(name) },
    { port: adminPortOf({ ports }, name), is: `${portVariable(name)} + ${ADMIN_PORT_OFFSET}` },
  ]);
  for (const [at, use] of uses.entries()) {
    const same = uses.slice(0, at).find((other) => other.port === use.port);
    if (same !== undefined) throw new Error(`${same.is} and ${use.is} are both ${use.port}`);
  }
  return ports;
}
