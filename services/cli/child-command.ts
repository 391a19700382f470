/** Commands that belong to another unit: its own program does the work. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, text } from '../shared/settings/env.ts';
import { parseDataDir } from './find-stack.ts';

export interface ProgramResult {
  readonly code: number;
  readonly output: string;
}

/** `program` is seen from the folder of services. What it complains of goes to our standard error. */
export async function runProgram(
  program: string,
  words: readonly string[],
  env: Environment,
): Promise<ProgramResult> {
  const path = fileURLToPath(new URL(`../${program}`, import.meta.url));
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

/** Signing keys and revocations belong to the auth service: its programs work on the key folder of the stack. */
export function runAuthProgram(
  env: Environment,
  name: 'keys' | 'revoke',
  words: readonly string[],
): Promise<ProgramResult> {
  const keysDir = text(env, 'AUTH_KEYS_DIR', join(parseDataDir(env), 'auth-keys'));
  return runProgram(`auth/${name}-main.ts`, words, { ...env, AUTH_KEYS_DIR: keysDir });
}
