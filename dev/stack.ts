/**
 * A whole scoreboard on this machine: servers, schema, keys and our processes, in the order in which they depend on each other.
 * Everything is kept running until it is stopped, in reverse order.
 */
import { mkdirSync } from 'node:fs';
import { auditKeyFile } from '../services/provision/secrets.ts';
import { secretsDir, stackLockPath } from '../services/shared/identity/stack-file.ts';
import { isLoopback } from '../services/shared/net/host-port.ts';
import { describeNatsAddresses } from '../services/shared/stores/nats/nats-address.ts';
import { claimDataFolder } from './host/data-folder.ts';
import { endLeftovers } from './host/leftovers.ts';
import type { Terminal } from './host/terminal.ts';
import { installPrograms, NATS, pathWithServers, REDIS } from './install/install.ts';
import { ensureAuditKey } from './secrets/audit-key.ts';
import { ensureKeys } from './secrets/ensure-keys.ts';
import { checkGivenStores } from './servers/given-stores.ts';
import { releaseOwnStream } from './servers/own-stream.ts';
import type { ServerAddresses } from './servers/server-access.ts';
import { startServers } from './servers/start-servers.ts';
import { checkPorts } from './site/check-ports.ts';
import { addressOf, type LocalConfig, type UnitName } from './site/local-config.ts';
import { openSite, type StackSite } from './site/site.ts';
import { openSockets } from './site/sockets.ts';
import type { Kept } from './supervise/keep-running.ts';
import { migrateDatabase } from './units/migrate.ts';
import { startUnits } from './units/start-units.ts';
import { restartOnChange } from './units/watch-sources.ts';

/** Before every process. */
const WATCHER_STOPS_IN_TURN = 0;

interface StackOptions {
  readonly config: LocalConfig;
  readonly terminal: Terminal;
  /** Aborts when the stack is stopped before it is ready. */
  readonly signal: AbortSignal;
  /** Whether a process restarts when its sources change. */
  readonly watch: boolean;
}

/** Resolves when the stack accepts scores. When it rejects, no process is left running. */
export async function startStack({ config, terminal, signal, watch }: StackOptions) {
  const lock = await claimDataFolder(config.dataDir);
  const site = openSite({ config, terminal, signal, mark: lock.mark });
  const stop = async (): Promise<void> => {
    await site.stop();
    site.record.remove();
    lock.release();
  };
  try {
    const ended = await endLeftovers(stackLockPath(config.dataDir));
    if (ended > 0) terminal.say(`ended ${ended} processes of a stack that was killed`);
    site.record.create();
    const units = await bringUp(site);
    if (watch) site.keep(WATCHER_STOPS_IN_TURN, restartOnChange(units));
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(site: StackSite): Promise<ReadonlyMap<UnitName, Kept>> {
  const { config, terminal, record, signal } = site;
  await checkPorts(config);
  mkdirSync(site.logDir, { recursive: true });
  await ensureKeys(config.mode, config.dataDir, terminal.say);
  await installMissing(config, terminal.say);
  signal.throwIfAborted();
  await checkGivenStores(config);
  signal.throwIfAborted();
  const sockets = await openSockets(config);
  const started = await startServers(site, sockets);
  signal.throwIfAborted();
  const servers = { ...started, postgres: await migrateDatabase(site, started.postgres) };
  await ensureAuditKey(auditKeyFile(secretsDir(config.dataDir)), {
    databaseUrl: servers.postgres.url,
    schema: config.databaseSchema,
    newKeyAfter: config.newAuditKeyAfter,
  });
  if (await releaseOwnStream(servers, config.namespace, config.databaseSchema)) {
    terminal.say('nats: its stream was of another database and is created again');
  }
  signal.throwIfAborted();
  record.setAddresses(addressesOf(config, servers));
  // Not before: a recovery and a migration take as long as they take, and each would start again from its beginning.
  site.limitTime();
  const units = await startUnits(site, servers, sockets);
  if (config.mode === 'development' && !isLoopback(config.internalHost)) {
    terminal.say(
      'INTERNAL_HOST opens auth, score and rank to other machines, and service keys travel in clear text: set SCOREBOARD_MODE=production to use certificates',
    );
  }
  return units;
}

function addressesOf(config: LocalConfig, servers: ServerAddresses) {
  return {
    edgeUrl: `http://${addressOf(config, 'edge')}`,
    fanoutUrl: `ws://${addressOf(config, 'fanout')}/live`,
    gameUrl: `http://${addressOf(config, 'game')}`,
    authAddress: addressOf(config, 'auth'),
    scoreAddress: addressOf(config, 'score'),
    rankAddress: addressOf(config, 'rank'),
    databaseUrl: withoutPassword(servers.postgres.url),
    redisUrl: withoutPassword(servers.redis.url),
    natsUrl: describeNatsAddresses(servers.nats.url),
  };
}

async function installMissing(config: LocalConfig, say: (line: string) => void): Promise<void> {
  const programs = [
    ...(config.redisUrl === undefined ? [REDIS] : []),
    ...(config.natsUrl === undefined ? [NATS] : []),
  ];
  await installPrograms(programs, { path: pathWithServers(config.env.PATH), say });
}

function withoutPassword(address: string): string {
  try {
    const url = new URL(address);
    url.username = '';
    url.password = '';
    url.search = '';
    return url.href;
  } catch {
    // For example a list of servers. An address that can't be parsed may hold a password, so it is left out.
    return '';
  }
}
