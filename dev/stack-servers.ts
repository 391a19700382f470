/** The step of a start that brings up the private Postgres, Redis and NATS, for each address that was not given. */
import { join } from 'node:path';
import type { LocalServer, ServerOptions } from './servers/child-server.ts';
import { keepRunning } from './servers/keep-running.ts';
import { startNatsServer } from './servers/nats-server.ts';
import { startPostgresServer } from './servers/postgres-server.ts';
import { startRedisServer } from './servers/redis-server.ts';
import type { ServerAddress, ServerAddresses } from './servers/server-access.ts';
import type { StackSite } from './stack-site.ts';
import { secretsDir } from './units/units.ts';

/** After everything that uses them. */
const STOPS_IN_TURN = 9;

type Launch = (options: ServerOptions) => Promise<LocalServer>;

export async function startServers(site: StackSite): Promise<ServerAddresses> {
  const { databaseUrl, redisUrl, natsUrl } = site.config;
  const starts = [
    given(databaseUrl) ?? startServer(site, 'postgres', startPostgresServer),
    given(redisUrl) ?? startServer(site, 'redis', startRedisServer),
    given(natsUrl) ?? startServer(site, 'nats', startNatsServer),
  ] as const;
  // Also when one failed: what is half started can be stopped only once it has started.
  await Promise.allSettled(starts);
  const [postgres, redis, nats] = await Promise.all(starts);
  return { postgres, redis, nats };
}

function given(url: string | undefined): ServerAddress | undefined {
  return url === undefined ? undefined : { url, ownUsers: false };
}

async function startServer(site: StackSite, name: string, launch: Launch): Promise<ServerAddress> {
  const { config, record, terminal } = site;
  const options = {
    dataDir: join(config.dataDir, name),
    secretsDir: secretsDir(config.dataDir),
    avoidPorts: Object.values(config.ports),
    mark: site.mark,
    tell: (line: string) => terminal.say(`${name}: ${line}`),
  };
  const first = await site.waitFor(name, launch(options));
  const { port } = first;
  const note = ({ pid }: LocalServer) => record.setProcess(name, { pid, port });
  site.keep(
    STOPS_IN_TURN,
    keepRunning({
      first,
      start: () => launch({ ...options, port }),
      onEnd: (how) => terminal.say(`${name}: ${how}; starting it again`),
      onRestart: note,
    }),
  );
  note(first);
  terminal.say(`${name.padEnd(10)}127.0.0.1:${port}`);
  return { url: first.url, ownUsers: true };
}
