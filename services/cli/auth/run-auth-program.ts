/** Signing keys and revocations belong to the auth service: its own programs change its key folder. */
import { authKeysDir } from '../../shared/identity/stack-file.ts';
import { type Environment, text } from '../../shared/settings/env.ts';
import { parseDataDir } from '../connect/find-stack.ts';
import { type ProgramResult, runProgram } from '../connect/run-program.ts';

export function runAuthProgram(
  env: Environment,
  name: 'keys' | 'revoke',
  words: readonly string[],
): Promise<ProgramResult> {
  const keysDir = text(env, 'AUTH_KEYS_DIR', authKeysDir(parseDataDir(env)));
  return runProgram(`auth/${name}-main.ts`, words, { ...env, AUTH_KEYS_DIR: keysDir });
}
