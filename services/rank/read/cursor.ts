/**
 * The cursor of a page: the board, and the place in its order of the last entry that was shown, with a checksum against cut-off and
 * mistyped copies. It is opaque to clients. It needs no signature: whoever makes one up gets a page that everybody may read.
 */
import { crc32 } from 'node:zlib';
import { AppError } from '../../shared/errors/app-error.ts';
import type { OrderKey } from '../../shared/values/board.ts';
import { MAX_SCORE } from '../../shared/values/identifiers.ts';

/** Above the length of a cursor with every field at its limit. */
const MAX_LENGTH = 384;
const FORM = /^[0-9a-f]{8} ([A-Za-z0-9_-]{1,64}) (-?\d{1,16}) (\d{1,16}) ([\x21-\x7e]{1,128})$/;

export function formatCursor(leaderboard: string, { points, reached, userId }: OrderKey): string {
  const place = `${leaderboard} ${points} ${reached} ${userId}`;
  return Buffer.from(`${crc32(place).toString(16).padStart(8, '0')} ${place}`).toString('base64url');
}

/** Refuses with CURSOR_INVALID what `formatCursor` does not write for this board. */
export function parseCursor(leaderboard: string, cursor: string): OrderKey {
  const text = cursor.length > MAX_LENGTH ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  const [, board = '', points = '', reached = '', userId = ''] = FORM.exec(text) ?? [];
  if (board !== leaderboard) throw new AppError('CURSOR_INVALID');
  const key = { points: BigInt(points), reached: BigInt(reached), userId };
  const isInRange = key.points >= -MAX_SCORE && key.points <= MAX_SCORE && key.reached <= MAX_SCORE;
  // Written again, so that the checksum is right and no number has another spelling.
  if (!isInRange || formatCursor(leaderboard, key) !== cursor) throw new AppError('CURSOR_INVALID');
  return key;
}
