/** The frames that clients read, one function each. */
import type { AppError } from '../../../services/shared/errors/app-error.ts';
import type { Position } from '../../../services/shared/values/position.ts';
import { isBinaryBroadcast } from './binary-frame.ts';
import type { BoardSize } from './board-size.ts';
import type { Board, Cause, Entry, PlayerState } from './board-state.ts';
import { Frame } from './frame.ts';
import type { BoardFields } from './frame-fields.ts';

/** Every broadcast in JSON begins like this, and no answer to a message does. */
const EVENT_PREFIX = '{"event":"score:';
const PREFIX_BYTES = Buffer.from(EVENT_PREFIX);

function boardFields({ entries, epoch, seq, leaderboard, size }: Board, stale: boolean): BoardFields {
  return { leaderboard: entries, epoch, seq, leaderboardId: leaderboard, stale, size };
}

export function snapshotFrame(board: Board, stale: boolean): Frame {
  return new Frame({ event: 'score:snapshot', ...boardFields(board, stale) });
}

export function updateFrame(board: Board, cause: Cause, stale: boolean): Frame {
  return new Frame({ event: 'score:update', ...cause, ...boardFields(board, stale) });
}

/** The player's own update. It repeats the newest board that the socket has. */
export function personalFrame(board: Board, player: PlayerState, stale: boolean): Frame {
  const { userId, score: newScore, rank = null, version } = player;
  return new Frame({
    event: 'score:update',
    userId,
    newScore,
    rank,
    version,
    ...boardFields(board, stale),
  });
}

/** The board did not change, but `stale` did. */
export function staleFrame(leaderboard: string, stale: boolean, size?: BoardSize): Frame {
  return new Frame({ event: 'score:stale', leaderboardId: leaderboard, stale, size });
}

/** The answer to a resume from the newest position. */
export function currentFrame(
  leaderboard: string,
  { epoch, seq }: Position<number>,
  stale: boolean,
  size?: BoardSize,
): Frame {
  return new Frame({ event: 'score:current', leaderboardId: leaderboard, epoch, seq, stale, size });
}

/** The players whom the socket follows on a board. */
export function playersFrame(leaderboard: string, players: readonly Entry[], stale: boolean): Frame {
  return new Frame({ event: 'score:players', leaderboardId: leaderboard, players, stale });
}

/** Players whom the socket follows have passed its own player. */
export function overtakenFrame(leaderboard: string, { userId, rank }: Entry, by: readonly Entry[]): Frame {
  return new Frame({ event: 'score:overtaken', leaderboardId: leaderboard, userId, rank, by });
}

export function pongFrame(userId: string | undefined): Frame {
  return new Frame({ event: 'pong', userId: userId ?? null });
}

export function authenticatedFrame(userId: string, expiresAtMs: number): Frame {
  return new Frame({ event: 'authenticated', userId, expiresAt: Math.floor(expiresAtMs / 1000) });
}

export function errorFrame(error: AppError, leaderboard?: string): Frame {
  const { kind: code, reason, message } = error;
  return new Frame({ event: 'error', code, reason, message, leaderboardId: leaderboard });
}

/**
 * Whether a message that uWebSockets.js dropped was a broadcast and not a pong. A pong frame repeats the client's ping as text. A
 * ping that imitates a broadcast only marks its own socket, whose buffer is full, as behind.
 */
export function isBroadcast(message: ArrayBuffer, isBinary: boolean): boolean {
  if (isBinary) return isBinaryBroadcast(new Uint8Array(message));
  return Buffer.from(message, 0, Math.min(PREFIX_BYTES.length, message.byteLength)).equals(PREFIX_BYTES);
}
