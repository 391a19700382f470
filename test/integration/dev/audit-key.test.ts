/** A lost audit key: it is never replaced silently, and the operator can continue the chain with a new one. */
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuditKey } from '../../../services/shared/audit-chain/audit-chain.ts';
import {
  runStartToItsEnd,
  type StackProcesses,
  startStackProcesses,
} from '../../support/processes/stack-processes.ts';
import { placeCluster } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

let dataDir: string;
let env: Readonly<Record<string, string>>;
let head: string;
let running: StackProcesses | undefined;
const keyFile = () => join(dataDir, 'secrets', 'audit.key');
const oldKeyFile = () => join(dataDir, 'old.key');

async function untilSealed(stack: StackProcesses, actions: number): Promise<string> {
  const verdict = await waitFor(async () => {
    const { stdout } = await stack.cli(['audit', 'verify', '--old-key', oldKeyFile()]);
    return stdout.includes(`seal ${actions} actions`) ? stdout : undefined;
  });
  return /head is (\S+)\n/.exec(verdict)?.[1] ?? '';
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-audit-key-'));
  await placeCluster(join(dataDir, 'postgres'));
  running = await startStackProcesses({ dataDir });
  await running.submit('ada', 'a1', 5);
  await copyFile(keyFile(), oldKeyFile());
  head = await untilSealed(running, 1);
  env = running.env;
  await running.stop();
});

afterAll(async () => {
  // Still runs if a test failed.
  await running?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

it('a start without the key is refused, says what to do, and makes no other key', async () => {
  await rm(keyFile());
  const { code, stderr } = await runStartToItsEnd(env);
  expect(code).toBe(1);
  expect(stderr.split('\n')).toHaveLength(2);
  expect(stderr).toContain(`the audit key ${keyFile()} is missing`);
  expect(stderr).toContain(`AUDIT_NEW_KEY_AFTER=${head}`);
  expect(existsSync(keyFile())).toBe(false);
});

it('a start with another key is refused, and seals nothing with it', async () => {
  await writeFile(keyFile(), createAuditKey(), { mode: 0o600 });
  const { code, stderr } = await runStartToItsEnd(env);
  expect(code).toBe(1);
  expect(stderr).toContain(`the audit key in ${keyFile()} did not make the newest link`);
  expect(stderr).toContain(`AUDIT_NEW_KEY_AFTER=${head}`);
});

it('an operator who names the head continues with a new key, and the chain records the change', async () => {
  await rm(keyFile());
  running = await startStackProcesses({ dataDir, env: { ...env, AUDIT_NEW_KEY_AFTER: head } });
  const changed = running;
  await changed.submit('ada', 'a2', 5);
  await untilSealed(changed, 2);
  expect(await changed.cli(['audit', 'verify', '--head', head])).toMatchObject({
    ...{ code: 0, stdout: expect.stringMatching(/^NOT PROVEN: links 1 to \d+: .*\nOK: /) },
  });
  expect(await changed.cli(['audit', 'verify', '--head', head, '--old-key', oldKeyFile()])).toMatchObject({
    ...{ code: 0, stdout: expect.stringMatching(/^link \d+ changed the key\nOK: /) },
  });
  await changed.stop();
  running = await startStackProcesses({ dataDir, env });
});
