/** Request bodies, from bytes to narrow types. Nothing is converted: a number in quotes is not a number. */
import { AppError } from '../../shared/errors/app-error.ts';
import { parseJsonObject } from '../../shared/http/json-body.ts';
import { parseUsername } from '../../shared/values/username.ts';
import type { HitInput } from '../rounds/play.ts';
import { CELLS, TARGETS_PER_ROUND } from '../rounds/round.ts';

export function parsePlayerBody(bytes: Buffer): { username: string } {
  return { username: parseUsername(parseJsonObject(bytes).username) };
}

export function parseHitBody(bytes: Buffer): HitInput {
  const { cell, target } = parseJsonObject(bytes);
  if (!isBelow(cell, CELLS)) throw new AppError('CELL_INVALID');
  if (target !== undefined && !isBelow(target, TARGETS_PER_ROUND)) throw new AppError('TARGET_INVALID');
  return { cell, target };
}

function isBelow(value: unknown, limit: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit;
}
