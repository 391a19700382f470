/** Commands that belong to another unit: its own program does the work, at this terminal. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../shared/env.ts';

/** `program` is seen from the folder of services. Gives back the exit code. */
export function runProgram(program: string, words: readonly string[], env: Environment): Promise<number> {
  const path = fileURLToPath(new URL(`../${program}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...words], { env: { ...env }, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
