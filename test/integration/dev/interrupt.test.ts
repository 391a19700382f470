import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { processesOfStack } from '../../../dev/host/leftovers.ts';
import { commandLineOf } from '../../../dev/host/process-table.ts';
import { stackLockPath } from '../../../services/shared/identity/stack-file.ts';
import { stackEnvironment } from '../../support/processes/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Includes processes that are not in stack.json. */
const processesOf = (dataDir: string) => processesOfStack(stackLockPath(dataDir));

it.each([
  ['the servers start', /initdb|postgres/],
  ['the database is migrated', /services\/database\/main/],
  ['our processes start', /edge\/http\/main/],
])('npm start ends with 0 and leaves nothing behind if it is stopped while %s', async (_, sign) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-interrupt-'));
  const env = { ...(await stackEnvironment()), DATA_DIR: dataDir };
  const child = spawn(process.execPath, ['dev/main.ts'], { cwd: ROOT, env });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const isThere = () => processesOf(dataDir).some((pid) => sign.test(commandLineOf(pid).join(' ')));
  try {
    await waitFor(() => isThere() || undefined, { describe: `a process like ${sign}` });
  } finally {
    child.kill('SIGTERM');
  }
  expect(await ended).toBe(0);
  expect(processesOf(dataDir)).toEqual([]);
  await rm(dataDir, { recursive: true, force: true });
});
