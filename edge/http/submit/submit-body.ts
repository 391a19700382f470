/**
 * The body of POST /api/v1/score/update, from bytes to a narrow type. Nothing is converted: a number in quotes is not a
 * number. Unknown fields are ignored, and so is any player they name: the player is the token's.
 */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { MAX_SCORE, parseActionId, parseLeaderboard } from '../../../services/shared/values/identifiers.ts';
import type { ActionInput } from './submit.ts';

/** Every field at its limit takes about 600 bytes. */
export const SUBMIT_BODY_LIMIT_BYTES = 4 * 1024;
/** Twice the longest signature there is. */
const SIGNATURE_LIMIT = 256;
const MAX_POINTS = Number(MAX_SCORE);

/** What JSON.parse makes of an object; `__proto__` is an own field like any other there, and of two equal names the last counts. */
interface Fields {
  readonly leaderboard?: unknown;
  readonly actionId?: unknown;
  readonly points?: unknown;
  readonly signature?: unknown;
}

export function parseSubmitBody(bytes: Buffer): ActionInput {
  const { leaderboard, actionId, points, signature } = parseObject(bytes);
  return {
    leaderboard: parseLeaderboard(leaderboard),
    actionId: parseActionId(actionId),
    points: parseJsonPoints(points),
    signature: parseSignature(signature),
  };
}

function parseObject(bytes: Buffer): Fields {
  // Decoding would quietly replace what is not UTF-8.
  if (!isUtf8(bytes)) throw new AppError('BODY_INVALID');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new AppError('BODY_INVALID', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AppError('BODY_INVALID');
  return value;
}

function parseJsonPoints(value: unknown): bigint {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_POINTS) {
    throw new AppError('POINTS_INVALID');
  }
  if (Object.is(value, -0)) throw new AppError('POINTS_INVALID');
  return BigInt(value);
}

/** Any string may be a signature; whether it is one is for the auth service to say. */
export function parseSignature(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new AppError('SIGNATURE_REQUIRED');
  if (value.length > SIGNATURE_LIMIT) throw new AppError('SIGNATURE_INVALID');
  return value;
}
