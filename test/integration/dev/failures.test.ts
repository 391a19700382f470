/** Starts that fail: one line that names what is wrong, and nothing left running; and what a start does not depend on. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureCertificates, makeCertificates } from '../../../services/provision/certificates.ts';
import { stackFilePath } from '../../../services/shared/identity/stack-file.ts';
import { runStartToItsEnd, stackEnvironment, startStackProcesses } from '../../support/stack-processes.ts';
import { processesTouching } from '../../support/touching-processes.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-failures-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** Its line, once it has ended with 1 and left nothing running. */
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
  ['edge.key', '', 'the key of edge has the form edge.secret', 'remove it, and this start makes a new one'],
  [
    'edge.key',
    'score.abc',
    'the key of edge has the form edge.secret',
    'remove it, and this start makes a new one',
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

it('a step that fails while others are starting ends them too', async () => {
  writeFileSync(join(dataDir, 'nats'), '');
  expect(await failure()).toContain(join(dataDir, 'nats'));
});

it.each([
  [{ HOST: 'nowhere.invalid' }, /^HOST=nowhere\.invalid is a name that cannot be resolved \(\w+\)$/],
  [{ HOST: '203.0.113.9' }, /^HOST=203\.0\.113\.9 is no address of this machine$/],
  [{ INTERNAL_HOST: '203.0.113.9' }, /^INTERNAL_HOST=203\.0\.113\.9 is no address of this machine$/],
  [
    { LOG_LEVEL: 'loud' },
    /^LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud"$/,
  ],
])('%j is told in our words', async (env, line) => {
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

it('a damaged stack.json stops no start, and a proxy in the environment neither a start nor the status', async () => {
  writeFileSync(stackFilePath(dataDir), '{"pid":');
  const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
  const stack = await startStackProcesses({ dataDir, env });
  expect(await stack.cli(['status'])).toMatchObject({ code: 0 });
  expect(await stack.stop()).toBe(0);
  expect(processesTouching(dataDir)).toEqual([]);
});
