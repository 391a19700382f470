/** Request bodies, from bytes to narrow types. Nothing is converted: a number in quotes is not a number. */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../../shared/errors/app-error.ts';
import { parseUsername } from '../../shared/values/identifiers.ts';
import type { HitInput } from '../rounds/play.ts';
import { CELLS, TARGETS_PER_ROUND } from '../rounds/round.ts';

interface Fields {
  readonly username?: unknown;
  readonly cell?: unknown;
  readonly target?: unknown;
}

export function parsePlayerBody(bytes: Buffer): { username: string } {
  return { username: parseUsername(parseObject(bytes).username) };
}

export function parseHitBody(bytes: Buffer): HitInput {
  const { cell, target } = parseObject(bytes);
  if (!isBelow(cell, CELLS)) throw new AppError('CELL_INVALID');
  if (target !== undefined && !isBelow(target, TARGETS_PER_ROUND)) throw new AppError('TARGET_INVALID');
  return { cell, target };
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

function isBelow(value: unknown, limit: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit;
}
