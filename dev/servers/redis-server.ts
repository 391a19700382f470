/** A private Redis with its own users. It stores nothing on disk, on purpose: the rank index is rebuilt from Postgres. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keepScripts, loadScriptsInto } from '../../services/provision/redis-scripts.ts';
import { aclFile } from '../../services/provision/redis-users.ts';
import { addressAs, ensurePasswords, type StoreUser } from '../../services/provision/store-passwords.ts';
import { replaceFile } from '../../services/shared/files/replace-file.ts';
import { DEFAULT_NAMESPACE } from '../../services/shared/stores/names.ts';
import { createSilentLog } from '../../services/shared/telemetry/log.ts';
import { type ServerOptions, type StoreServer, startChildServer } from './child-server.ts';
import { exchange } from './exchange.ts';

export async function startRedisServer({
  dataDir,
  secretsDir = join(dataDir, 'secrets'),
  namespace = DEFAULT_NAMESPACE,
  tell = () => {},
  socket,
  ...options
}: ServerOptions): Promise<StoreServer<StoreUser<'redis'>>> {
  await mkdir(dataDir, { recursive: true });
  const passwords = await ensurePasswords(secretsDir, 'redis');
  const users = join(dataDir, 'users.acl');
  // Written if an operator asks Redis to save.
  const dump = join(dataDir, 'dump.rdb');
  replaceFile(users, aclFile(passwords, namespace));
  // The client takes the path from the query, and then does not use the port.
  const query = socket === undefined ? '' : `?${new URLSearchParams({ path: socket })}`;
  const urlOf = (chosen: number, user: StoreUser<'redis'>) =>
    addressAs(`redis://127.0.0.1:${chosen}${query}`, user, passwords[user]);
  const server = await startChildServer({
    name: 'Redis',
    command: 'redis-server',
    install: 'apt-get install -y redis-server',
    ...options,
    args: (chosen) => [
      ...['--port', String(chosen), '--bind', '127.0.0.1', '--dir', dataDir, '--aclfile', users],
      ...(socket === undefined ? [] : ['--unixsocket', socket, '--unixsocketperm', '700']),
      ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
    ],
    url: (chosen) => urlOf(chosen, 'admin'),
    stopSignal: 'SIGTERM',
    async probe(chosen) {
      await exchange(chosen, `AUTH loader ${passwords.loader}\r\nPING\r\n`, '+PONG');
      await loadScriptsInto(urlOf(chosen, 'loader'));
    },
    explain: () => (existsSync(dump) ? `it loads ${dump}, which nothing here needs: remove that file` : ''),
  });
  const keeper = keepScripts({
    url: urlOf(server.port, 'loader'),
    onLoaded: () => tell('its scripts were lost and have been loaded again'),
    log: createSilentLog(),
  });
  void server.exited.then(() => keeper.stop());
  return { ...server, urlAs: (user) => urlOf(server.port, user) };
}
