/** The stack that runs in DATA_DIR, by what it wrote down there. */
import { resolve } from 'node:path';
import { readRunningStack, type StackFile } from '../shared/identity/stack-file.ts';
import { type Environment, text } from '../shared/settings/env.ts';

/** Nothing runs in the data folder. */
export class NoStackError extends Error {}

export function parseDataDir(env: Environment): string {
  return resolve(text(env, 'DATA_DIR', '.data'));
}

/** Throws NoStackError, with a line for the operator, when none runs. */
export function findStack(env: Environment): StackFile {
  const dataDir = parseDataDir(env);
  const stack = readRunningStack(dataDir);
  if (stack === undefined) {
    throw new NoStackError(`no scoreboard runs in ${dataDir}: start it with "npm start", or set DATA_DIR`);
  }
  return stack;
}
