/** The services that a command calls, and the identity that it calls them with. */
import type { ServiceIdentity } from '../../shared/identity/service-identity.ts';
import { findStackIdentity } from '../../shared/identity/stack-identity.ts';
import { givenServiceAddresses } from '../../shared/net/service-addresses.ts';
import type { Environment } from '../../shared/settings/env.ts';
import { findStack, parseDataDir } from './find-stack.ts';

/** Returns the addresses of a service: the variable, for a stack elsewhere, or the address of the stack in DATA_DIR. */
export function findAddress(
  env: Environment,
  variable: 'AUTH_ADDRESS' | 'SCORE_ADDRESS' | 'RANK_ADDRESS',
  name: 'authAddress' | 'scoreAddress' | 'rankAddress',
): string {
  const address = givenServiceAddresses(env, variable) ?? findStack(env).addresses?.[name];
  if (address === undefined) throw new Error('the scoreboard is still starting: try again in a moment');
  return address;
}

/** Returns the service key or certificate of the command line. */
export function ownIdentity(env: Environment): ServiceIdentity {
  return findStackIdentity(env, parseDataDir(env), 'cli');
}
