/** A private nats-server with a JetStream file store. */
import { mkdir } from 'node:fs/promises';
import { type LocalServer, startChildServer } from './child-server.ts';
import { exchange } from './redis-server.ts';

export async function startNatsServer({
  dataDir,
  port,
}: {
  dataDir: string;
  port?: number;
}): Promise<LocalServer> {
  await mkdir(dataDir, { recursive: true });
  return startChildServer({
    name: 'nats-server',
    command: 'nats-server',
    install: 'apt-get install -y nats-server',
    port,
    args: (chosen) => [
      '--addr',
      '127.0.0.1',
      '--port',
      String(chosen),
      '--jetstream',
      '--store_dir',
      dataDir,
    ],
    url: (chosen) => `nats://127.0.0.1:${chosen}`,
    stopSignal: 'SIGTERM',
    probe: (chosen) => exchange(chosen, 'PING\r\n', 'PONG'),
  });
}
