/** The step of a start that starts the private Postgres, Redis and NATS, each unless the operator has given its address. */
import { join } from 'node:path';
import { secretsDir } from '../../services/shared/identity/stack-file.ts';
import type { StackSite } from '../site/site.ts';
import type { SocketPaths } from '../site/sockets.ts';
import { keepRunning } from '../supervise/keep-running.ts';
import type { LocalServer, ServerOptions } from './child-server.ts';
import { startNatsServer } from './nats-server.ts';
import { startPostgresServer } from './postgres-server.ts';
import { startRedisServer } from './redis-server.ts';
import type { ServerAddress, ServerAddresses } from './server-access.ts';

/** After all processes that use the servers. */
const STOPS_IN_TURN = 9;

type Launch = (options: ServerOptions) => Promise<LocalServer>;

export async function startServers(site: StackSite, sockets: SocketPaths): Promise<ServerAddresses> {
  const { databaseUrl, redisUrl, natsUrl } = site.config;
  const starts = [
    given(databaseUrl) ?? startServer(site, 'postgres', withSocket(startPostgresServer, sockets.postgres)),
    given(redisUrl) ?? startServer(site, 'redis', withSocket(startRedisServer, sockets.redis)),
    given(natsUrl) ?? startServer(site, 'nats', startNatsServer),
  ] as const;
  // Waits for all, also if one failed: a server can be stopped only once it has started.
  await Promise.allSettled(starts);
  const [postgres, redis, nats] = await Promise.all(starts);
  return { postgres, redis, nats };
}

const withSocket =
  (launch: Launch, socket: string | undefined): Launch =>
  (options) =>
    launch({ ...options, socket });

function given(url: string | undefined): ServerAddress | undefined {
  return url === undefined ? undefined : { url, ownUsers: false };
}

async function startServer(site: StackSite, name: string, launch: Launch): Promise<ServerAddress> {
  const { config, record, terminal } = site;
  const options = {
    dataDir: join(config.dataDir, name),
    secretsDir: secretsDir(config.dataDir),
    namespace: config.namespace,
    avoidPorts: Object.values(config.ports),
    mark: site.mark,
    tell: (line: string) => terminal.say(`${name}: ${line}`),
  };
  const first = await site.waitFor(name, launch({ ...options, signal: site.signal }));
  const { port } = first;
  const note = ({ pid }: LocalServer) => record.setProcess(name, { pid, port });
  site.keep(
    STOPS_IN_TURN,
    keepRunning({
      first,
      start: (signal) => launch({ ...options, port, signal }),
      onEnd: (how) => terminal.say(`${name}: ${how}; restarting it`),
      onRestart: note,
    }),
  );
  note(first);
  terminal.say(`${name.padEnd(10)}127.0.0.1:${port}`);
  return { url: first.url, socketUrl: first.socketUrl, ownUsers: true };
}
