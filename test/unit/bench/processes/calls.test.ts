import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PARENT = fileURLToPath(new URL('./parent-that-is-killed.ts', import.meta.url));

test('a child that sends an event after the bench was killed ends without an error', async () => {
  const parent = spawn(process.execPath, [PARENT], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  parent.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  // The child writes to the same pipe, which therefore closes only when the child has ended too.
  const [, signal] = await once(parent, 'close');
  expect(signal).toBe('SIGKILL');
  expect(errors).toBe('');
});
