/** The step of a start that brings up the private Postgres, Redis and NATS, for each address that was not given. */
import { join } from 'node:path';
import type { LocalServer } from './child-server.ts';
import { keepRunning } from './keep-running.ts';
import { startNatsServer } from './nats-server.ts';
import { startPostgresServer } from './postgres-server.ts';
import { startRedisServer } from './redis-server.ts';
import type { StackSite } from './stack.ts';
import type { ServerUrls } from './units.ts';

/** After everything that uses them. */
const STOPS_IN_TURN = 9;

type Launch = (options: { dataDir: string; port?: number }) => Promise<LocalServer>;

export async function startServers(site: StackSite): Promise<ServerUrls> {
  const { databaseUrl, redisUrl, natsUrl } = site.config;
  const starts = [
    databaseUrl ?? startServer(site, 'postgres', startPostgresServer),
    redisUrl ?? startServer(site, 'redis', startRedisServer),
    natsUrl ?? startServer(site, 'nats', startNatsServer),
  ] as const;
  // Also when one failed: what is half started can be stopped only once it has started.
  await Promise.allSettled(starts);
  const [postgres, redis, nats] = await Promise.all(starts);
  return { databaseUrl: postgres, redisUrl: redis, natsUrl: nats };
}

/** Its address. */
async function startServer(site: StackSite, name: string, launch: Launch): Promise<string> {
  const { config, record, terminal } = site;
  const dataDir = join(config.dataDir, name);
  const first = await launch({ dataDir });
  const { port } = first;
  const note = ({ pid }: LocalServer) => record.setProcess(name, { pid, port });
  note(first);
  site.keep(
    STOPS_IN_TURN,
    keepRunning({
      first,
      start: () => launch({ dataDir, port }),
      onEnd: (how) => terminal.say(`${name}: ${how}; starting it again`),
      onRestart: note,
    }),
  );
  terminal.say(`${name.padEnd(10)}127.0.0.1:${port}`);
  return first.url;
}
