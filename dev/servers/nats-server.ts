/** A private nats-server with a JetStream file store and users of its own. */
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { natsConfiguration } from '../../services/provision/nats-users.ts';
import { addressAs, ensurePasswords, type StoreUser } from '../../services/provision/store-passwords.ts';
import { replaceFile } from '../../services/shared/files/replace-file.ts';
import { DEFAULT_NAMESPACE } from '../../services/shared/stores/names.ts';
import type { Faultable } from '../supervise/fault-watch.ts';
import { type ServerOptions, type StoreServer, startChildServer } from './child-server.ts';
import { exchange } from './exchange.ts';

/** Four times the limit of our one stream. By default nats-server allows what is free when it starts, which may be too little. */
const MAX_FILE_STORE_BYTES = 1024 * 1024 * 1024;
/** The size of two files in which JetStream stores messages. With less room it would stop again. */
const ROOM_BYTES = 16 * 1024 * 1024;
const JETSTREAM_LIMIT_MS = 2_000;
const INBOX = '_INBOX.supervisor';

export async function startNatsServer({
  dataDir,
  secretsDir = join(dataDir, 'secrets'),
  namespace = DEFAULT_NAMESPACE,
  ...options
}: ServerOptions): Promise<StoreServer<StoreUser<'nats'>> & Required<Pick<Faultable, 'findFault'>>> {
  await mkdir(dataDir, { recursive: true });
  const passwords = await ensurePasswords(secretsDir, 'nats');
  const configuration = join(dataDir, 'nats.conf');
  const jetstream = { store_dir: dataDir, max_file_store: MAX_FILE_STORE_BYTES };
  replaceFile(configuration, natsConfiguration(passwords, { namespace, settings: { jetstream } }));
  const urlOf = (chosen: number, user: StoreUser<'nats'>) =>
    addressAs(`nats://127.0.0.1:${chosen}`, user, passwords[user]);
  const introduction = JSON.stringify({ user: 'admin', pass: passwords.admin, verbose: false });
  const greeting = `CONNECT ${introduction}\r\nPING\r\n`;
  const server = await startChildServer({
    name: 'nats-server',
    command: 'nats-server',
    install: 'apt-get install -y nats-server',
    ...options,
    args: (chosen) => ['--config', configuration, '--addr', '127.0.0.1', '--port', String(chosen)],
    url: (chosen) => urlOf(chosen, 'admin'),
    stopSignal: 'SIGTERM',
    probe: (chosen) => exchange(chosen, greeting, 'PONG'),
  });
  return {
    ...server,
    urlAs: (user) => urlOf(server.port, user),
    findFault: () => findJetStreamFault(server.port, greeting, dataDir),
  };
}

/** After a full disk, nats-server runs without JetStream until it is restarted. */
async function findJetStreamFault(
  port: number,
  greeting: string,
  dataDir: string,
): Promise<string | undefined> {
  const question = `${greeting}SUB ${INBOX} 1\r\nPUB $JS.API.INFO ${INBOX} 0\r\n\r\n`;
  try {
    await exchange(port, question, '"limits":', JETSTREAM_LIMIT_MS);
    return undefined;
  } catch {
    // Either JetStream or the whole server does not answer.
  }
  try {
    await exchange(port, greeting, 'PONG');
    const { bavail, bsize } = await statfs(dataDir);
    if (bavail * bsize < ROOM_BYTES) return undefined;
  } catch {
    // A server that does not answer may be paused or ending. Its JetStream can't be judged.
    return undefined;
  }
  return 'JetStream is disabled or does not answer';
}
