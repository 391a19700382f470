/** Finds the stack that runs in DATA_DIR, by the file that it writes there. */
import { resolve } from 'node:path';
import { readRunningStack, type StackFile } from '../../shared/identity/stack-file.ts';
import { type Environment, text } from '../../shared/settings/env.ts';

/** No stack runs in the data folder. */
export class NoStackError extends Error {}

export function parseDataDir(env: Environment): string {
  return resolve(text(env, 'DATA_DIR'));
}

/** Throws NoStackError if no stack runs; its message is for the operator. */
export function findStack(env: Environment): StackFile {
  const dataDir = parseDataDir(env);
  const stack = readRunningStack(dataDir);
  if (stack === undefined) {
    throw new NoStackError(`no scoreboard runs in ${dataDir}: start it with "npm start", or set DATA_DIR`);
  }
  return stack;
}
