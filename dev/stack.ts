/**
 * A whole scoreboard on this machine: servers, schema, keys and our processes, in the order in which they need each
 * other. All that was started is kept running until it is stopped, in reverse order.
 */
import { mkdirSync } from 'node:fs';
import { auditKeyFile, ensureSecrets } from '../services/provision/secrets.ts';
import { certificatesDir, stackLockPath } from '../services/shared/identity/stack-file.ts';
import { isLoopback } from '../services/shared/net/host-port.ts';
import { ensureAuditKey } from './audit-key.ts';
import { checkPorts } from './check-ports.ts';
import { addressOf, type LocalConfig } from './config.ts';
import { claimDataFolder } from './host/data-folder.ts';
import type { Terminal } from './host/terminal.ts';
import { installPrograms, NATS, pathWithServers, REDIS } from './install/install.ts';
import { endLeftovers } from './leftovers.ts';
import { startServers } from './stack-servers.ts';
import { openSite, type StackSite } from './stack-site.ts';
import { migrateDatabase, startUnits } from './stack-units.ts';
import { secretsDir } from './units/units.ts';

export interface Stack {
  stop(): Promise<void>;
}

/** Resolves when a score can be submitted. When it rejects, nothing is left running. */
export async function startStack({
  config,
  terminal,
  signal,
}: {
  config: LocalConfig;
  terminal: Terminal;
  /** Aborted when it shall stop before it is ready. */
  signal: AbortSignal;
}): Promise<Stack> {
  const lock = await claimDataFolder(config.dataDir);
  const site = openSite({ config, terminal, signal, mark: lock.mark });
  const stop = async () => {
    await site.stop();
    site.record.remove();
    lock.release();
  };
  try {
    const ended = await endLeftovers(stackLockPath(config.dataDir));
    if (ended > 0) terminal.say(`ended ${ended} processes of a stack that was killed`);
    site.record.create();
    await bringUp(site);
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(site: StackSite): Promise<void> {
  const { config, terminal, record, signal } = site;
  await checkPorts(config);
  mkdirSync(site.logDir, { recursive: true });
  await ensureKeys(config);
  await installMissing(config, terminal.say);
  site.limitTime();
  signal.throwIfAborted();
  const started = await startServers(site);
  signal.throwIfAborted();
  const servers = { ...started, postgres: await migrateDatabase(site, started.postgres) };
  await ensureAuditKey(auditKeyFile(secretsDir(config.dataDir)), {
    databaseUrl: servers.postgres.url,
    newKeyAfter: config.newAuditKeyAfter,
  });
  signal.throwIfAborted();
  record.setAddresses({
    edgeUrl: `http://${addressOf(config, 'edge')}`,
    fanoutUrl: `ws://${addressOf(config, 'fanout')}/live`,
    gameUrl: `http://${addressOf(config, 'game')}`,
    authAddress: addressOf(config, 'auth'),
    scoreAddress: addressOf(config, 'score'),
    rankAddress: addressOf(config, 'rank'),
    databaseUrl: withoutPassword(servers.postgres.url),
    redisUrl: withoutPassword(servers.redis.url),
    natsUrl: withoutPassword(servers.nats.url),
  });
  await startUnits(site, servers);
  if (config.mode === 'development' && !isLoopback(config.internalHost)) {
    terminal.say(
      'INTERNAL_HOST opens auth, score and rank to other machines, with service keys in clear text: SCOREBOARD_MODE=production uses certificates',
    );
  }
}

/** By what the processes will know each other. */
async function ensureKeys({ mode, dataDir }: LocalConfig): Promise<void> {
  if (mode === 'development') return ensureSecrets(secretsDir(dataDir));
  // What writes certificates is loaded only where some are needed.
  const { ensureCertificates } = await import('../services/provision/certificates.ts');
  await ensureCertificates(certificatesDir(dataDir));
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
    // A list of servers, for example; what can't be cleaned is not written down.
    return '';
  }
}
