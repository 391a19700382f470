/** Starts that fail print one line that names the fault and leave nothing running. Some damage does not stop a start. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureCertificates, makeCertificates } from '../../../services/provision/certificates.ts';
import { stackFilePath } from '../../../services/shared/identity/stack-file.ts';
import {
  runStartToItsEnd,
  stackEnvironment,
  startStackProcesses,
} from '../../support/processes/stack-processes.ts';
import { processesTouching } from '../../support/processes/touching-processes.ts';
import { placeCluster } from '../../support/servers/test-postgres.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-failures-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** The line of a start that ends with code 1 and leaves nothing running. */
async function failure(env: Record<string, string> = {}): Promise<string> {
  const { code, stderr } = await runStartToItsEnd({
    ...(await stackEnvironment()),
    DATA_DIR: dataDir,
    ...env,
  });
  expect(code).toBe(1);
  expect(processesTouching(dataDir)).toEqual([]);
  const [line, ...more] = stderr.split('\n');
  expect(more).toEqual(['']);
  return (line ?? '').replace('npm start: ', '');
}

function write(name: string, text: string): string {
  mkdirSync(join(dataDir, 'secrets'), { recursive: true });
  const path = join(dataDir, 'secrets', name);
  writeFileSync(path, text);
  return path;
}

it.each([
  [
    'edge.key',
    '',
    'the key of edge has the form edge.secret',
    'remove it, and the next start creates a new one',
  ],
  [
    'edge.key',
    'score.abc',
    'the key of edge has the form edge.secret',
    'remove it, and the next start creates a new one',
  ],
  [
    'audit.key',
    'audit.short',
    'the audit key has the form audit.<43 characters of base64url>',
    'restore it from a backup',
  ],
  ['rank.redis', '\n', 'it holds no password', 'restore it from a backup, or remove it'],
  ['admin.nats', '\0\0\0', 'it holds no password', 'restore it from a backup, or remove it'],
])('a damaged %s (%j) is named with the remedy', async (name, text, fault, remedy) => {
  const path = write(name, text);
  expect(await failure()).toContain(`${path} is damaged (${fault}): ${remedy}`);
});

it('a folder in place of a key is named with the remedy', async () => {
  const path = join(dataDir, 'secrets', 'edge.key');
  mkdirSync(path, { recursive: true });
  expect(await failure()).toMatch(
    `${path} is damaged (EISDIR: illegal operation on a directory, read): remove it`,
  );
});

it('a damaged dump that somebody had Redis save is named with the remedy', async () => {
  const path = join(dataDir, 'redis', 'dump.rdb');
  mkdirSync(join(dataDir, 'redis'));
  writeFileSync(path, 'REDIS0010');
  expect(await failure()).toContain(`it loads ${path}, which nothing here needs: remove that file`);
});

it('a step that fails while others are starting ends them too', async () => {
  writeFileSync(join(dataDir, 'nats'), '');
  expect(await failure()).toContain(join(dataDir, 'nats'));
});

it.each([
  [{ HOST: 'nowhere.invalid' }, /^HOST=nowhere\.invalid is a name that cannot be resolved \(\w+\)$/],
  [{ HOST: '203.0.113.9' }, /^HOST=203\.0\.113\.9 is not an address of this machine$/],
  [{ INTERNAL_HOST: '203.0.113.9' }, /^INTERNAL_HOST=203\.0\.113\.9 is not an address of this machine$/],
  [{ NAMESPACE: 'A' }, /^NAMESPACE must be a lower-case letter/],
  [{ DATABASE_SCHEMA: 'pg_x' }, /^DATABASE_SCHEMA must be/],
  [{ NATS_URL: 'http://x' }, /^NATS_URL must be a list of addresses such as/],
  [{ REDIS_URL: 'http://x' }, /^REDIS_URL must be an address such as/],
  [
    { LOG_LEVEL: 'loud' },
    /^LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud"$/,
  ],
])('%j is refused with a message of ours', async (env, line) => {
  expect(await failure(env)).toMatch(line);
});

it('a damaged certificate of the authority is named', async () => {
  await makeCertificates(dataDir, 90);
  const path = join(dataDir, 'authority', 'ca.crt');
  writeFileSync(path, 'x');
  await expect(ensureCertificates(dataDir)).rejects.toThrow(
    `${path} cannot be read as a certificate: restore it`,
  );
});

it('neither a damaged stack.json nor a proxy in the environment stops a start', async () => {
  writeFileSync(stackFilePath(dataDir), '{"pid":');
  await placeCluster(join(dataDir, 'postgres'));
  const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
  const stack = await startStackProcesses({ dataDir, env });
  expect(await stack.cli(['status'])).toMatchObject({ code: 0 });
  expect(await stack.stop()).toBe(0);
  expect(processesTouching(dataDir)).toEqual([]);
});
