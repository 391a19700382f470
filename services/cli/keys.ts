/** Signing keys and revocations belong to the auth service: its own commands do the work, on the key folder of the stack. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, text } from '../shared/env.ts';
import { parseDataDir } from './running-stack.ts';

/** The command's exit code. */
export function runAuthCommand(
  env: Environment,
  name: 'keys' | 'revoke',
  words: readonly string[],
): Promise<number> {
  const command = fileURLToPath(new URL(`../auth/${name}-main.ts`, import.meta.url));
  const keysDir = text(env, 'AUTH_KEYS_DIR', join(parseDataDir(env), 'auth-keys'));
  const child = spawn(process.execPath, [command, ...words], {
    env: { ...env, AUTH_KEYS_DIR: keysDir },
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
