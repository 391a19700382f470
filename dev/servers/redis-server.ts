/** A private Redis with users of its own. It keeps nothing on disk, on purpose: the rank index is rebuilt from Postgres. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keepScripts, loadScriptsInto } from '../../services/provision/redis-scripts.ts';
import { aclFile } from '../../services/provision/redis-users.ts';
import { addressAs, ensurePasswords, type StoreUser } from '../../services/provision/store-passwords.ts';
import { replaceFile } from '../../services/shared/files/replace-file.ts';
import { createSilentLog } from '../../services/shared/telemetry/log.ts';
import { type ServerOptions, type StoreServer, startChildServer } from './child-server.ts';
import { exchange } from './exchange.ts';

export async function startRedisServer({
  dataDir,
  secretsDir = join(dataDir, 'secrets'),
  tell = () => {},
  ...options
}: ServerOptions): Promise<StoreServer<StoreUser<'redis'>>> {
  await mkdir(dataDir, { recursive: true });
  const passwords = await ensurePasswords(secretsDir, 'redis');
  const users = join(dataDir, 'users.acl');
  replaceFile(users, aclFile(passwords));
  const urlOf = (chosen: number, user: StoreUser<'redis'>) =>
    addressAs(`redis://127.0.0.1:${chosen}`, user, passwords[user]);
  const server = await startChildServer({
    name: 'Redis',
    command: 'redis-server',
    install: 'apt-get install -y redis-server',
    ...options,
    args: (chosen) => [
      ...['--port', String(chosen), '--bind', '127.0.0.1', '--dir', dataDir, '--aclfile', users],
      ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
    ],
    url: (chosen) => urlOf(chosen, 'admin'),
    stopSignal: 'SIGTERM',
    async probe(chosen) {
      await exchange(chosen, `AUTH loader ${passwords.loader}\r\nPING\r\n`, '+PONG');
      await loadScriptsInto(urlOf(chosen, 'loader'));
    },
  });
  const keeper = keepScripts({
    url: urlOf(server.port, 'loader'),
    onLoaded: () => tell('its scripts were gone and have been loaded again'),
    log: createSilentLog(),
  });
  void server.exited.then(() => keeper.stop());
  return { ...server, urlAs: (user) => urlOf(server.port, user) };
}
