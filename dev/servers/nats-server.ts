/** A private nats-server with a JetStream file store and users of its own. */
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { natsConfiguration } from '../../services/provision/nats-users.ts';
import { addressAs, ensurePasswords, type StoreUser } from '../../services/provision/store-passwords.ts';
import { replaceFile } from '../../services/shared/files/replace-file.ts';
import { type ServerOptions, type StoreServer, startChildServer } from './child-server.ts';
import { exchange } from './exchange.ts';
import type { Faultable } from './fault-watch.ts';

/** Four times what the one stream may take. Without it nats-server allows what is free when it starts, which may be little. */
const MAX_FILE_STORE_BYTES = 1024 * 1024 * 1024;
/** Two of the files in which JetStream keeps messages: with less room it would only stop once more. */
const ROOM_BYTES = 16 * 1024 * 1024;
const JETSTREAM_LIMIT_MS = 2_000;
const INBOX = '_INBOX.supervisor';

export async function startNatsServer({
  dataDir,
  secretsDir = join(dataDir, 'secrets'),
  ...options
}: ServerOptions): Promise<StoreServer<StoreUser<'nats'>> & Required<Pick<Faultable, 'findFault'>>> {
  await mkdir(dataDir, { recursive: true });
  const passwords = await ensurePasswords(secretsDir, 'nats');
  const configuration = join(dataDir, 'nats.conf');
  const jetstream = { store_dir: dataDir, max_file_store: MAX_FILE_STORE_BYTES };
  replaceFile(configuration, natsConfiguration(passwords, { jetstream }));
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

/** A nats-server that once found its disk full goes on without JetStream, until it is started again. */
async function findJetStreamFault(
  port: number,
  greeting: string,
  dataDir: string,
): Promise<string | undefined> {
  const question = `${greeting}SUB ${INBOX} 1\r\nPUB $JS.API.INFO ${INBOX} 0\r\n\r\n`;
  try {
    await exchange(port, greeting, 'PONG');
    const { bavail, bsize } = await statfs(dataDir);
    if (bavail * bsize < ROOM_BYTES) return undefined;
  } catch {
    // A server that says nothing may be held or ending; there is nothing to tell of its JetStream.
    return undefined;
  }
  return exchange(port, question, '"limits":', JETSTREAM_LIMIT_MS).then(
    () => undefined,
    () => 'JetStream is disabled or does not answer',
  );
}
