/** Runs the program of another unit as a child process, for commands whose work belongs to that unit. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../shared/settings/env.ts';

export interface ProgramResult {
  readonly code: number;
  readonly output: string;
}

/** `program` is a path below services/. The program's standard error goes to ours. */
export async function runProgram(
  program: string,
  words: readonly string[],
  env: Environment,
): Promise<ProgramResult> {
  const path = fileURLToPath(new URL(`../../${program}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...words], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  return { code, output };
}
