/** A private Redis. It keeps nothing on disk, on purpose: the rank index is rebuilt from Postgres. */
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { type LocalServer, startChildServer } from './child-server.ts';

export async function startRedisServer({
  dataDir,
  port,
}: {
  dataDir: string;
  port?: number;
}): Promise<LocalServer> {
  await mkdir(dataDir, { recursive: true });
  return startChildServer({
    name: 'Redis',
    command: 'redis-server',
    install: 'apt-get install -y redis-server',
    port,
    args: (chosen) => [
      ...['--port', String(chosen), '--bind', '127.0.0.1', '--dir', dataDir],
      ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
    ],
    url: (chosen) => `redis://127.0.0.1:${chosen}`,
    stopSignal: 'SIGTERM',
    probe: (chosen) => exchange(chosen, 'PING\r\n', '+PONG'),
  });
}

/** Sends a line and expects an answer; shared with the other line protocol here. */
export function exchange(port: number, question: string, answer: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let heard = '';
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
    socket.once('connect', () => socket.write(question));
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (!heard.includes(answer)) return;
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without the expected answer')));
  });
}
