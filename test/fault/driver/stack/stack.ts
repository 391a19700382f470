/**
 * The product's real processes and servers, kept running by its own supervision, with a proxy on every link between two of
 * them. A process that ends is started again; an end that the driver did not cause is reported.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLocalConfig } from '../../../../dev/config.ts';
import { openLogFile } from '../../../../dev/host/log-file.ts';
import { freePort } from '../../../../dev/host/ports.ts';
import { type Kept, keepRunning } from '../../../../dev/supervise/keep-running.ts';
import { unitEnvironment } from '../../../../dev/units/unit-environment.ts';
import { startUnitProcess } from '../../../../dev/units/unit-process.ts';
import { sourcePath, UNITS } from '../../../../dev/units/units.ts';
import { untilReady } from '../../../../dev/units/until-ready.ts';
import { migrate } from '../../../../services/database/migrate.ts';
import { auditKeyFile, ensureSecrets, makeAuditKey } from '../../../../services/provision/secrets.ts';
import { ensurePasswords } from '../../../../services/provision/store-passwords.ts';
import { secretsDir } from '../../../../services/shared/identity/stack-file.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { type Clocks, createClocks } from './clocks.ts';
import { type Component, type ServerName, UNITS_UNDER_FIRE, type UnitUnderFire } from './components.ts';
import { HOST, type Links, portBetween, startLinks } from './links.ts';
import { createProcesses, type StackProcesses } from './processes.ts';
import { mountDisks, serverFolder, startServer } from './servers.ts';

export interface FaultStackOptions {
  dataDir: string;
  onExit: (component: Component, how: string, expected: boolean) => void;
  /** Settings of the product's processes. */
  settings: Readonly<Record<string, string>>;
  /** Whether servers get file systems of their own, which can be filled. It needs the right to mount. */
  disks: boolean;
}

export type FaultStack = Awaited<ReturnType<typeof startFaultStack>>;

const READY_LIMIT_MS = 60_000;
/** A run may last longer than tokens and signatures live by default, and their expiry is not its subject. */
const LIFETIMES = { TOKEN_LIFETIME_S: '3600', ACTION_LIFETIME_S: '86400' };

export async function startFaultStack({ dataDir, onExit, settings, disks: withDisks }: FaultStackOptions) {
  const processes = createProcesses(onExit);
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    processes.stopping();
    for (const close of closers.reverse()) await close();
  };
  await mkdir(join(dataDir, 'logs'), { recursive: true });
  try {
    const disks = withDisks ? mountDisks(dataDir, closers) : {};
    const servers = await startServers({ dataDir, processes, closers });
    const config = await chooseConfig(dataDir);
    const { ports } = config;
    const links = await startLinks({ ...ports, ...servers.ports });
    closers.push(async () => {
      await Promise.all(Object.values(links).map((proxy) => proxy.stop()));
    });
    const clocks = createClocks(join(dataDir, 'clocks'));
    const units = { config, servers, links, clocks, settings, processes };
    const adminPorts = await startUnits(units, closers);
    return {
      ...{ dataDir, clocks, adminPorts, disks, stop, proxies: links },
      pidOf: processes.pidOf,
      expectEnd: processes.expectEnd,
      allowEnds: processes.allowEnds,
      folderOf: (server: ServerName) => serverFolder(dataDir, server),
      /** Addresses that no fault lies on. */
      direct: {
        ...servers.urls,
        authAddress: `${HOST}:${ports.auth}`,
        scoreAddress: `${HOST}:${ports.score}`,
        edgeUrl: `http://${HOST}:${ports.edge}`,
      },
      edgeUrl: `http://${HOST}:${links['client-edge'].port}`,
      fanoutUrl: `ws://${HOST}:${links['viewer-fanout'].port}/live`,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Servers = Awaited<ReturnType<typeof startServers>>;

/** The servers, migrated, and the secrets that the product's processes read. */
async function startServers(options: Parameters<typeof startServer>[1]) {
  const secrets = secretsDir(options.dataDir);
  const [postgres, redis, nats] = await Promise.all([
    startServer('postgres', options),
    startServer('redis', options),
    startServer('nats', options),
    ensureSecrets(secrets),
    makeAuditKey(auditKeyFile(secrets)),
  ]);
  const passwords = await ensurePasswords(secrets, 'postgres');
  await migrate({ url: postgres.url, log: createSilentLog(), roles: { passwords, ownServer: true } });
  return {
    ports: { postgres: postgres.port, redis: redis.port, nats: nats.port },
    urls: { databaseUrl: postgres.url, redisUrl: redis.url, natsUrl: nats.url },
  };
}

interface UnitsOptions {
  config: ReturnType<typeof parseLocalConfig>;
  servers: Servers;
  links: Links;
  clocks: Clocks;
  settings: Readonly<Record<string, string>>;
  processes: StackProcesses;
}

/** Starts the product's processes and waits until they are ready and connected to each other. Returns their admin ports. */
async function startUnits(options: UnitsOptions, closers: (() => Promise<void>)[]) {
  const kept: Kept[] = [];
  const adminPorts: Record<string, number> = {};
  for (const name of UNITS_UNDER_FIRE) {
    const adminPort = await freePort();
    adminPorts[name] = adminPort;
    kept.push(keepUnit(name, adminPort, options));
  }
  closers.push(async () => {
    await Promise.all(kept.map((each) => each.stop()));
  });
  const limit = AbortSignal.timeout(READY_LIMIT_MS);
  const readyOn = (port: number, unit: UnitUnderFire) =>
    untilReady(`http://${HOST}:${port}/readyz`, limit, UNITS[unit].needs);
  await Promise.all([
    ...UNITS_UNDER_FIRE.map((name) => readyOn(adminPorts[name] ?? 0, name)),
    untilReady(`http://${HOST}:${options.config.ports.edge}/readyz`, limit),
  ]);
  return adminPorts;
}

function keepUnit(name: UnitUnderFire, adminPort: number, options: UnitsOptions): Kept {
  const { config, servers, links, clocks, settings, processes } = options;
  const through = (url: string, to: Component) => withPort(url, portBetween(links, name, to));
  const { databaseUrl, redisUrl, natsUrl } = servers.urls;
  const ownServers = {
    postgres: { url: through(databaseUrl, 'postgres'), ownUsers: true },
    redis: { url: through(redisUrl, 'redis'), ownUsers: true },
    nats: { url: through(natsUrl, 'nats'), ownUsers: true },
  };
  const env = {
    ...unitEnvironment(name, config, ownServers, adminPort),
    ...LIFETIMES,
    ...settings,
    ...clocks.environment(name),
    AUTH_ADDRESS: `${HOST}:${portBetween(links, name, 'auth')}`,
    SCORE_ADDRESS: `${HOST}:${portBetween(links, name, 'score')}`,
    RANK_ADDRESS: `${HOST}:${portBetween(links, name, 'rank')}`,
  };
  const log = openLogFile(join(config.dataDir, 'logs'), name, () => {});
  const start = () => {
    const started = startUnitProcess({ entry: sourcePath(UNITS[name].entry), env, log });
    processes.started(name, started.pid);
    return started;
  };
  return keepRunning({ first: start(), start: async () => start(), onEnd: processes.ended(name) });
}

async function chooseConfig(dataDir: string) {
  const names = ['AUTH_PORT', 'SCORE_PORT', 'RANK_PORT', 'EDGE_PORT', 'FANOUT_PORT', 'GAME_PORT'];
  const ports = new Set<number>();
  while (ports.size < names.length) ports.add(await freePort());
  const { PATH, HOME } = process.env;
  return parseLocalConfig({
    ...{ PATH, HOME, DATA_DIR: dataDir },
    ...Object.fromEntries([...ports].map((port, at) => [names[at] ?? '', String(port)])),
  });
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
