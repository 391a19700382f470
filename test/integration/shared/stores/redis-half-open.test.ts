/** A Redis connection that is dead without having been closed: the other end forgot it, and nothing ever comes back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedisServer } from '../../../../dev/servers/redis-server.ts';
import { connectRedis } from '../../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { waitFor } from '../../../support/wait-for.ts';

const HOST = '127.0.0.1';

let dir: string;
let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-redis-'));
  server = await startRedisServer({ dataDir: dir });
});
afterAll(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Forwards, until a connection is told to fall silent for ever; later ones are not concerned. */
async function openLink(toPort: number) {
  const near = new Set<Socket>();
  const link = createServer((socket) => {
    const far = connect(toPort, HOST);
    near.add(socket);
    socket.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => socket.write(bytes));
    for (const end of [socket, far]) end.on('error', () => {});
    socket.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => link.listen(0, HOST, resolve));
  return {
    port: (link.address() as AddressInfo).port,
    silence() {
      for (const socket of near) socket.pause();
    },
    close() {
      for (const socket of near) socket.destroy();
      link.close();
    },
  };
}

test('is left for a new one within seconds, while each command fails in its own time', async () => {
  const link = await openLink(server.port);
  const url = new URL(server.url);
  url.port = String(link.port);
  const redis = connectRedis({
    url: url.href,
    connectionName: 'test',
    commandTimeoutMs: 200,
    log: createSilentLog(),
  });
  await waitFor(() => redis.status === 'ready' || undefined);
  const pong = async () => (await redis.ping().catch(() => '')) === 'PONG' || undefined;
  await waitFor(pong, { describe: 'an answer' });
  link.silence();
  await expect(redis.ping()).rejects.toThrow('timed out');
  await waitFor(pong, { describe: 'an answer over another connection' });
  redis.disconnect();
  link.close();
});
