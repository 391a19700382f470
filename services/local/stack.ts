/**
 * A whole scoreboard on this machine: servers, schema, keys and our processes, in the order in which they need each
 * other. All that was started is kept running until it is stopped, in reverse order.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLoopback } from '../shared/host-port.ts';
import { certificatesDir } from '../shared/stack-file.ts';
import { ensureAuditKey } from './audit-key.ts';
import { addressOf, hostOf, type LocalConfig, portVariable, UNIT_NAMES } from './config.ts';
import { installPrograms, NATS, pathWithServers, REDIS } from './install.ts';
import type { Kept } from './keep-running.ts';
import { endLeftovers } from './leftovers.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { isPortFree } from './ports.ts';
import { auditKeyFile, ensureSecrets } from './secrets.ts';
import { claimDataDir, type StackRecord } from './stack-record.ts';
import { startServers } from './stack-servers.ts';
import { migrateDatabase, startUnits } from './stack-units.ts';
import type { Terminal } from './terminal.ts';
import { secretsDir } from './units.ts';

/** A machine under load may take long; a stack that is not ready by then never will be. */
const START_LIMIT_MS = 90_000;

/** What the steps of a start share. */
export interface StackSite {
  readonly config: LocalConfig;
  readonly terminal: Terminal;
  readonly record: StackRecord;
  /** Aborts, with the reason, when the start has failed or shall stop. */
  readonly signal: AbortSignal;
  fail(reason: Error): void;
  openLog(name: string): LogFile;
  /** Leaves a running process in the stack's care; lower turns are stopped first, equal ones together. */
  keep(turn: number, kept: Kept): void;
}

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
  const record = await claimDataDir(config.dataDir, config.mode, async (stale) => {
    const ended = await endLeftovers(config.dataDir, stale);
    if (ended > 0) terminal.say(`ended ${ended} processes of a stack that was killed`);
  });
  const turns = new Map<number, Kept[]>();
  const logs: LogFile[] = [];
  const failing = new AbortController();
  const logDir = join(config.dataDir, 'logs');
  const site: StackSite = {
    config,
    terminal,
    record,
    signal: AbortSignal.any([signal, failing.signal, AbortSignal.timeout(START_LIMIT_MS)]),
    fail: (reason) => failing.abort(reason),
    openLog(name) {
      const log = openLogFile(logDir, name, (line) => terminal.complain(name, line));
      logs.push(log);
      return log;
    },
    keep(turn, kept) {
      turns.set(turn, [...(turns.get(turn) ?? []), kept]);
    },
  };
  const stop = async () => {
    for (const turn of [...turns.keys()].sort((a, b) => a - b)) {
      await Promise.all((turns.get(turn) ?? []).map((kept) => kept.stop()));
    }
    await Promise.all(logs.map((log) => log.close()));
    record.remove();
  };
  try {
    mkdirSync(logDir, { recursive: true });
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
  await installMissing(config, terminal.say);
  signal.throwIfAborted();
  const [started] = await Promise.all([startServers(site), ensureKeys(config)]);
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
    databaseUrl: withoutPassword(servers.postgres.url),
    redisUrl: withoutPassword(servers.redis.url),
    natsUrl: withoutPassword(servers.nats.url),
  });
  await startUnits(site, servers);
  if (config.mode === 'development' && !isLoopback(config.internalHost)) {
    terminal.say(
      'INTERNAL_HOST opens auth and score to other machines, with service keys in clear text: SCOREBOARD_MODE=production uses certificates',
    );
  }
}

/** By what the processes will know each other. */
async function ensureKeys({ mode, dataDir }: LocalConfig): Promise<void> {
  if (mode === 'development') return ensureSecrets(secretsDir(dataDir));
  // What writes certificates is loaded only where some are needed.
  const { ensureCertificates } = await import('./certificates.ts');
  await ensureCertificates(certificatesDir(dataDir));
}

async function checkPorts(config: LocalConfig): Promise<void> {
  const { ports } = config;
  const looks = await Promise.all(
    UNIT_NAMES.map(async (name) => ({ name, free: await isPortFree(ports[name], hostOf(config, name)) })),
  );
  const taken = looks.filter(({ free }) => !free).map(({ name }) => name);
  if (taken.length === 0) return;
  const list = taken.map((name) => `${ports[name]} (${portVariable(name)})`).join(', ');
  throw new Error(`port already in use: ${list}; choose another with that variable`);
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
