/**
 * The body of POST /api/v1/score/update, from bytes to a narrow type. Nothing is converted: a number in quotes is not a
 * number. Unknown fields are ignored; a player named there is ignored too, because the token names the player.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { parseJsonObject } from '../../../services/shared/http/json-body.ts';
import { MAX_SCORE, parseActionId, parseLeaderboard } from '../../../services/shared/values/identifiers.ts';
import type { ActionInput } from './submit.ts';

/** A body with every field at its limit takes about 600 bytes. */
export const SUBMIT_BODY_LIMIT_BYTES = 4 * 1024;
/** Twice the longest signature. */
const SIGNATURE_LIMIT = 256;
const MAX_POINTS = Number(MAX_SCORE);

export function parseSubmitBody(bytes: Buffer): ActionInput {
  const { leaderboard, actionId, points, signature } = parseJsonObject(bytes);
  return {
    leaderboard: parseLeaderboard(leaderboard),
    actionId: parseActionId(actionId),
    points: parseJsonPoints(points),
    signature: parseSignature(signature),
  };
}

function parseJsonPoints(value: unknown): bigint {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_POINTS) {
    throw new AppError('POINTS_INVALID');
  }
  if (Object.is(value, -0)) throw new AppError('POINTS_INVALID');
  return BigInt(value);
}

/** Checks type and length only; auth verifies the signature. */
export function parseSignature(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new AppError('SIGNATURE_REQUIRED');
  if (value.length > SIGNATURE_LIMIT) throw new AppError('SIGNATURE_INVALID');
  return value;
}
