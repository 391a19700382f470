/** Signing keys and revocations belong to the auth service: its own commands do the work, on the key folder of the stack. */
import { join } from 'node:path';
import { type Environment, text } from '../shared/env.ts';
import { runProgram } from './child-command.ts';
import { parseDataDir } from './running-stack.ts';

/** The command's exit code. */
export function runAuthCommand(
  env: Environment,
  name: 'keys' | 'revoke',
  words: readonly string[],
): Promise<number> {
  const keysDir = text(env, 'AUTH_KEYS_DIR', join(parseDataDir(env), 'auth-keys'));
  return runProgram(`auth/${name}-main.ts`, words, { ...env, AUTH_KEYS_DIR: keysDir });
}
