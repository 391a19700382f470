/**
 * The grammar of everything that names something. A value either fits exactly or is refused: nothing is trimmed,
 * folded or otherwise normalised, so that what was signed is what is stored.
 */
import { AppError } from '../errors/app-error.ts';

export const DEFAULT_LEADERBOARD = 'global';
/** The largest score, version and number of points: exact in JSON, in Lua and in a Redis sorted set. */
export const MAX_SCORE = 2n ** 53n - 1n;
/** Longest username, in Unicode code points. */
export const USERNAME_MAX_LENGTH = 32;

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const USER_ID = /^[\x21-\x7e]{1,128}$/;
/** The names that most players have, told at a glance. */
const NAME_ASCII = /^[\x21-\x7e](?:[\x20-\x7e]{0,30}[\x21-\x7e])?$/;
// Control, format (bidi marks among them), surrogate, private-use and line-separating characters have no place in a name.
const NAME_FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

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

export function isUsername(value: unknown): value is string {
  if (typeof value === 'string' && NAME_ASCII.test(value)) return true;
  if (typeof value !== 'string' || value.length === 0 || value.length > USERNAME_MAX_LENGTH * 2) return false;
  if ([...value].length > USERNAME_MAX_LENGTH) return false;
  return value === value.normalize('NFC') && value === value.trim() && !NAME_FORBIDDEN.test(value);
}

export function parseUsername(value: unknown): string {
  if (!isUsername(value)) throw new AppError('USERNAME_INVALID');
  return value;
}

export function parsePoints(value: bigint): bigint {
  if (value < 0n || value > MAX_SCORE) throw new AppError('POINTS_INVALID');
  return value;
}
