/** The scripts of the rank index as commands of a Redis client, and the keys that they work on. */
import { readFileSync } from 'node:fs';
import { createScript, type RedisClient } from '../../shared/stores/redis.ts';

/** Names the epoch that counts. */
export const POINTER = 'sb:epoch';
/** 14 hexadecimal digits hold every position up to 2^53-1. */
export const REACHED_DIGITS = 14;

export type Reply = [status: string, ...rest: unknown[]];
export type Script = (keys: readonly string[], args: readonly string[]) => Promise<Reply>;

/** One of the scripts in `lua/`, as a command of this client. */
export function script(
  redis: RedisClient,
  name: 'project' | 'load' | 'top' | 'around' | 'inspect' | 'repair' | 'strays',
): Script {
  const lua = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return createScript(redis, lua) as Script;
}

export function keysOf(epoch: bigint, leaderboard: string): string[] {
  const prefix = `sb:${epoch}:${leaderboard}`;
  return [POINTER, `${prefix}:order`, `${prefix}:players`, `${prefix}:board`];
}
