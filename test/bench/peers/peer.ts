/** Starts the conventional stack beside the product: a database of its own in the same Postgres, the same Redis. */
import { randomBytes } from 'node:crypto';
import { type Child, startChild } from '../processes/calls.ts';
import type { World } from '../world/world.ts';
import type { ConventionalCalls } from './conventional-main.ts';
import { createDatabase } from './databases.ts';

export const CONVENTIONAL_NAME = 'conventional stack';

export interface Conventional {
  readonly port: number;
  readonly pid: number;
  readonly actionSecret: string;
  stop(): Promise<void>;
}

export async function startConventionalBeside(world: World): Promise<Conventional> {
  const child: Child<ConventionalCalls> = startChild(new URL('./conventional-main.ts', import.meta.url));
  const actionSecret = randomBytes(32).toString('hex');
  const { port } = await child.call('start', {
    databaseUrl: await createDatabase(world.databaseUrl, 'conventional'),
    redisUrl: `${world.redisUrl.replace(/\/$/, '')}/1`,
    jwksUrl: `${world.stack.edgeUrl}/.well-known/jwks.json`,
    actionSecret,
  });
  return { port, pid: child.pid, actionSecret, stop: () => child.stop() };
}
