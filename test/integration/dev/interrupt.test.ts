import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { commandLineOf } from '../../../dev/host/process-table.ts';
import { processesOfStack } from '../../../dev/leftovers.ts';
import { stackLockPath } from '../../../services/shared/identity/stack-file.ts';
import { stackEnvironment } from '../../support/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Also those that it never wrote down. */
const processesOf = (dataDir: string) => processesOfStack(stackLockPath(dataDir));

it.each([
  ['the servers start', /initdb|postgres/],
  ['the database is migrated', /services\/database\/main/],
  ['our processes start', /edge\/http\/main/],
])('npm start ends with 0 and leaves nothing behind when it is told to stop while %s', async (_, sign) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-interrupt-'));
  const env = { ...(await stackEnvironment()), DATA_DIR: dataDir };
  const child = spawn(process.execPath, ['dev/main.ts'], { cwd: ROOT, env });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await waitFor(
    () => (processesOf(dataDir).some((pid) => sign.test(commandLineOf(pid).join(' '))) ? true : undefined),
    {
      describe: `a process like ${sign}`,
    },
  );
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(processesOf(dataDir)).toEqual([]);
  await rm(dataDir, { recursive: true, force: true });
});
