/** The Lua scripts of the rank index as commands of a Redis client. */
import { readFileSync } from 'node:fs';
import { createScript, type RedisClient } from '../../shared/stores/redis/redis.ts';
import { isOnBoard, type PlayerState } from '../../shared/values/board.ts';

/** 14 hexadecimal digits hold every position up to 2^53-1. */
export const REACHED_DIGITS = 14;

/** The member of a player in the sorted set. */
export const toMember = ({
  reached,
  userId,
}: {
  readonly reached: bigint;
  readonly userId: string;
}): string => reached.toString(16).padStart(REACHED_DIGITS, '0') + userId;

/** The score of a member of the sorted set: minus the value, so that the best comes first. */
export const toSortedSetScore = (value: bigint): string => String(-value);
/** The same of a player; empty for one who is not on the board and has no member. */
export const toPlaceScore = (state: Pick<PlayerState, 'points' | 'reached'>): string =>
  isOnBoard(state) ? toSortedSetScore(state.points) : '';

export type Reply = [status: string, ...rest: unknown[]];
export type Script = (keys: readonly string[], args: readonly string[]) => Promise<Reply>;

/** A script of `lua/` as a command of this client. */
export function script(
  redis: RedisClient,
  name: 'project' | 'load' | 'top' | 'around' | 'page' | 'standings' | 'inspect' | 'repair' | 'strays',
): Script {
  const lua = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return createScript(redis, lua) as Script;
}
