/** A private nats-server with a JetStream file store and users of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../shared/replace-file.ts';
import { type ServerOptions, type StoreServer, startChildServer } from './child-server.ts';
import { natsConfiguration } from './nats-users.ts';
import { exchange } from './redis-server.ts';
import { addressAs, ensurePasswords, type StoreUser } from './store-passwords.ts';

export async function startNatsServer({
  dataDir,
  secretsDir = join(dataDir, 'secrets'),
  ...options
}: ServerOptions): Promise<StoreServer<StoreUser<'nats'>>> {
  await mkdir(dataDir, { recursive: true });
  const passwords = await ensurePasswords(secretsDir, 'nats');
  const configuration = join(dataDir, 'nats.conf');
  replaceFile(configuration, natsConfiguration(passwords));
  const urlOf = (chosen: number, user: StoreUser<'nats'>) =>
    addressAs(`nats://127.0.0.1:${chosen}`, user, passwords[user]);
  const introduction = JSON.stringify({ user: 'admin', pass: passwords.admin, verbose: false });
  const server = await startChildServer({
    name: 'nats-server',
    command: 'nats-server',
    install: 'apt-get install -y nats-server',
    ...options,
    args: (chosen) => [
      ...['--config', configuration, '--addr', '127.0.0.1', '--port', String(chosen)],
      ...['--jetstream', '--store_dir', dataDir],
    ],
    url: (chosen) => urlOf(chosen, 'admin'),
    stopSignal: 'SIGTERM',
    probe: (chosen) => exchange(chosen, `CONNECT ${introduction}\r\nPING\r\n`, 'PONG'),
  });
  return { ...server, urlAs: (user) => urlOf(server.port, user) };
}
