/** The stack that a command works on: named by the environment, or by what the stack in DATA_DIR wrote down. */

import type { ServiceIdentity } from '../shared/identity/service-identity.ts';
import { findStackIdentity } from '../shared/identity/stack-identity.ts';
import { type Environment, optionalText } from '../shared/settings/env.ts';
import { findStack, parseDataDir } from './find-stack.ts';

/** "host:port" of a service. */
export function findAddress(
  env: Environment,
  variable: 'AUTH_ADDRESS' | 'SCORE_ADDRESS' | 'RANK_ADDRESS',
  name: 'authAddress' | 'scoreAddress' | 'rankAddress',
): string {
  const address = optionalText(env, variable) ?? findStack(env).addresses?.[name];
  if (address === undefined) throw new Error('the scoreboard is just starting: try again in a moment');
  return address;
}

export function ownIdentity(env: Environment): ServiceIdentity {
  return findStackIdentity(env, parseDataDir(env), 'cli');
}
