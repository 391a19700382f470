/**
 * The grammar of ids and numbers. A value matches exactly or is refused. Nothing is trimmed, folded or otherwise normalised, so
 * that the stored value is the signed one.
 */
import { AppError } from '../errors/app-error.ts';

export const DEFAULT_LEADERBOARD = 'global';
/** The largest score, version and number of points: exact in JSON, in Lua and in a Redis sorted set. */
export const MAX_SCORE = 2n ** 53n - 1n;

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const USER_ID = /^[\x21-\x7e]{1,128}$/;

/** A leaderboard id; empty or absent means the default board. */
export function parseLeaderboard(value: unknown): string {
  if (value === undefined || value === '') return DEFAULT_LEADERBOARD;
  if (typeof value !== 'string' || !ID.test(value)) throw new AppError('LEADERBOARD_INVALID');
  return value;
}

export function parseActionId(value: unknown): string {
  if (typeof value !== 'string' || !ID.test(value)) throw new AppError('ACTION_ID_INVALID');
  return value;
}

/** A user id: the `sub` of a token. Printable ASCII without the space. */
export function parseUserId(value: unknown): string {
  if (typeof value !== 'string' || !USER_ID.test(value)) throw new AppError('USER_ID_INVALID');
  return value;
}

export function isUserId(value: unknown): value is string {
  return typeof value === 'string' && USER_ID.test(value);
}

export function parsePoints(value: bigint): bigint {
  if (value < 0n || value > MAX_SCORE) throw new AppError('POINTS_INVALID');
  return value;
}
