/**
 * The product's real processes and servers, kept running by its own supervision, with a proxy on every link between two of
 * them. Whatever ends is started again; an end that nobody caused is told.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLocalConfig } from '../../../dev/config.ts';
import { openLogFile } from '../../../dev/host/log-file.ts';
import { freePort } from '../../../dev/host/ports.ts';
import type { LocalServer, ServerOptions } from '../../../dev/servers/child-server.ts';
import { type Kept, keepRunning } from '../../../dev/servers/keep-running.ts';
import { startNatsServer } from '../../../dev/servers/nats-server.ts';
import { startPostgresServer } from '../../../dev/servers/postgres-server.ts';
import { startRedisServer } from '../../../dev/servers/redis-server.ts';
import { startUnitProcess, untilReady } from '../../../dev/units/unit-process.ts';
import { entryPath, secretsDir, UNITS, unitEnvironment } from '../../../dev/units/units.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { auditKeyFile, ensureSecrets, makeAuditKey } from '../../../services/provision/secrets.ts';
import { ensurePasswords } from '../../../services/provision/store-passwords.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { mountSmallDisk, type SmallDisk } from '../../support/small-disk.ts';
import { type FaultProxy, startProxy } from '../proxy.ts';
import { type Clocks, createClocks } from './clocks.ts';
import {
  type Component,
  LINK_NAMES,
  LINKS,
  type LinkName,
  type ServerName,
  UNITS_UNDER_FIRE,
} from './components.ts';

export interface FaultStack {
  readonly dataDir: string;
  readonly proxies: Readonly<Record<LinkName, FaultProxy>>;
  readonly clocks: Clocks;
  /** The present process of each component. */
  pidOf(component: Component): number;
  /** The component's process is about to be ended by us. */
  expectEnd(component: Component): void;
  /** From now on it may end by itself, or no longer. */
  allowEnds(component: Component, isAllowed: boolean): void;
  /** Where a server keeps its data, */
  folderOf(server: ServerName): string;
  /** and the file system of its own that this is, when the run asked for such. */
  readonly disks: Readonly<Partial<Record<ServerName, SmallDisk>>>;
  /** Addresses that no fault lies on. */
  readonly direct: {
    databaseUrl: string;
    redisUrl: string;
    natsUrl: string;
    authAddress: string;
    scoreAddress: string;
    edgeUrl: string;
  };
  /** Where each unit's side door is. */
  readonly adminPorts: Readonly<Record<string, number>>;
  readonly edgeUrl: string;
  readonly fanoutUrl: string;
  stop(): Promise<void>;
}

export interface FaultStackOptions {
  dataDir: string;
  onExit: (component: Component, how: string, expected: boolean) => void;
  /** Settings of the product's processes. */
  settings: Readonly<Record<string, string>>;
  /** Servers that get a file system of their own, which can be filled. It needs the right to mount. */
  disks: boolean;
}

type Launch = (options: ServerOptions) => Promise<LocalServer>;

const HOST = '127.0.0.1';
const LAUNCHES: Readonly<Record<ServerName, Launch>> = {
  postgres: startPostgresServer,
  redis: startRedisServer,
  nats: startNatsServer,
};
const READY_LIMIT_MS = 60_000;
/** A run may last longer than a usual token or signature; neither is what a run is about. */
const LIFETIMES = { TOKEN_LIFETIME_S: '3600', ACTION_LIFETIME_S: '86400' };

/** In megabytes: a run's write-ahead log, and more than the few events that JetStream keeps. */
const DISKS = { postgres: 1_000, nats: 64 } as const;

export async function startFaultStack(options: FaultStackOptions): Promise<FaultStack> {
  const { dataDir, onExit, settings } = options;
  const closers: (() => Promise<void>)[] = [];
  const pids = new Map<Component, number>();
  const expected = new Set<Component>();
  const mayEnd = new Set<Component>();
  const folderOf = (server: ServerName) => join(dataDir, server);
  let stopping = false;
  const ended = (component: Component) => (how: string) => {
    if (!stopping) onExit(component, how, expected.delete(component) || mayEnd.has(component));
  };

  async function startServer(name: ServerName): Promise<LocalServer> {
    const options = { dataDir: folderOf(name), secretsDir: secretsDir(dataDir) };
    const first = await LAUNCHES[name](options);
    const note = ({ pid }: LocalServer) => pids.set(name, pid);
    note(first);
    const start = () => LAUNCHES[name]({ ...options, port: first.port });
    const kept = keepRunning({ first, start, onEnd: ended(name), onRestart: note });
    closers.push(() => kept.stop());
    return first;
  }

  await mkdir(join(dataDir, 'logs'), { recursive: true });
  const stop = async () => {
    stopping = true;
    for (const close of closers.reverse()) await close();
  };
  const disks: Partial<Record<ServerName, SmallDisk>> = {};
  try {
    for (const server of options.disks ? (['postgres', 'nats'] as const) : []) {
      const disk = mountSmallDisk(folderOf(server), DISKS[server]);
      disks[server] = disk;
      closers.push(async () => disk.unmount());
    }
    const [postgres, redis, nats] = await Promise.all([
      startServer('postgres'),
      startServer('redis'),
      startServer('nats'),
      ensureSecrets(secretsDir(dataDir)),
      makeAuditKey(auditKeyFile(secretsDir(dataDir))),
    ]);
    const passwords = await ensurePasswords(secretsDir(dataDir), 'postgres');
    await migrate({ url: postgres.url, log: createSilentLog(), roles: { passwords, ownServer: true } });
    const config = await chooseConfig(dataDir);
    const { ports } = config;
    const portOf = { ...ports, postgres: postgres.port, redis: redis.port, nats: nats.port };
    const proxies = await startProxies(portOf);
    closers.push(async () => {
      await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    });
    const clocks = createClocks(join(dataDir, 'clocks'));
    const adminPorts: Record<string, number> = {};
    const kept: Kept[] = [];
    for (const name of UNITS_UNDER_FIRE) {
      const link = (to: Component) => proxies[linkBetween(name, to) ?? 'client-edge'].port;
      const through = (url: string, to: Component) => withPort(url, link(to));
      const adminPort = await freePort();
      adminPorts[name] = adminPort;
      const servers = {
        postgres: { url: through(postgres.url, 'postgres'), ownUsers: true },
        redis: { url: through(redis.url, 'redis'), ownUsers: true },
        nats: { url: through(nats.url, 'nats'), ownUsers: true },
      };
      const env = {
        ...unitEnvironment(name, config, servers, adminPort),
        ...LIFETIMES,
        ...settings,
        ...clocks.environment(name),
        AUTH_ADDRESS: `${HOST}:${link('auth')}`,
        SCORE_ADDRESS: `${HOST}:${link('score')}`,
        RANK_ADDRESS: `${HOST}:${link('rank')}`,
      };
      const log = openLogFile(join(dataDir, 'logs'), name, () => {});
      const start = () => {
        const started = startUnitProcess({ entry: entryPath(UNITS[name].entry), env, log });
        pids.set(name, started.pid);
        return started;
      };
      kept.push(keepRunning({ first: start(), start: async () => start(), onEnd: ended(name) }));
    }
    closers.push(async () => {
      await Promise.all(kept.map((each) => each.stop()));
    });
    const limit = AbortSignal.timeout(READY_LIMIT_MS);
    await Promise.all(
      Object.values(adminPorts).map((port) => untilReady(`http://${HOST}:${port}/readyz`, limit)),
    );
    await untilReady(`http://${HOST}:${ports.edge}/readyz`, limit);
    return {
      dataDir,
      proxies,
      clocks,
      adminPorts,
      pidOf: (component) => pids.get(component) ?? 0,
      expectEnd: (component) => expected.add(component),
      allowEnds(component, isAllowed) {
        if (isAllowed) mayEnd.add(component);
        else mayEnd.delete(component);
      },
      folderOf,
      disks,
      direct: {
        databaseUrl: postgres.url,
        redisUrl: redis.url,
        natsUrl: nats.url,
        authAddress: `${HOST}:${ports.auth}`,
        scoreAddress: `${HOST}:${ports.score}`,
        edgeUrl: `http://${HOST}:${ports.edge}`,
      },
      edgeUrl: `http://${HOST}:${proxies['client-edge'].port}`,
      fanoutUrl: `ws://${HOST}:${proxies['viewer-fanout'].port}/live`,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
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

function linkBetween(from: Component, to: Component): LinkName | undefined {
  return LINK_NAMES.find((name) => LINKS[name][0] === from && LINKS[name][1] === to);
}

async function startProxies(ports: Readonly<Record<string, number>>): Promise<Record<LinkName, FaultProxy>> {
  const started = await Promise.all(
    LINK_NAMES.map(
      async (name) => [name, await startProxy({ host: HOST, port: ports[LINKS[name][1]] ?? 0 })] as const,
    ),
  );
  return Object.fromEntries(started) as Record<LinkName, FaultProxy>;
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
