/** The frames that clients read. */
import type { AppError } from '../../../services/shared/errors/app-error.ts';
import { isBinaryBroadcast } from './binary-frame.ts';
import type { Board, Cause, Position } from './board-state.ts';
import { type BoardFields, Frame } from './frame.ts';

/** A player's own state on one board. */
export interface PlayerState {
  readonly userId: string;
  readonly score: number;
  /** 1-based; null when the rank index could not be asked. */
  readonly rank: number | null;
  /** Newer states have greater versions. */
  readonly version: number;
}

/** What all broadcast frames of JSON begin with, and no answer to a message does. */
const EVENT_PREFIX = '{"event":"score:';
const PREFIX_BYTES = Buffer.from(EVENT_PREFIX);

function boardFields({ entries, epoch, seq, leaderboard }: Board, stale: boolean): BoardFields {
  return { leaderboard: entries, epoch, seq, leaderboardId: leaderboard, stale };
}

export function snapshotFrame(board: Board, stale: boolean): Frame {
  return new Frame({ event: 'score:snapshot', ...boardFields(board, stale) });
}

export function updateFrame(board: Board, cause: Cause, stale: boolean): Frame {
  return new Frame({ event: 'score:update', ...cause, ...boardFields(board, stale) });
}

/** The player's own update; repeats the newest board that the socket has. */
export function personalFrame(board: Board, player: PlayerState, stale: boolean): Frame {
  const { userId, score: newScore, rank, version } = player;
  return new Frame({
    event: 'score:update',
    userId,
    newScore,
    rank,
    version,
    ...boardFields(board, stale),
  });
}

/** The board did not change, but whether the node can vouch for it did. */
export function staleFrame(leaderboard: string, stale: boolean): Frame {
  return new Frame({ event: 'score:stale', leaderboardId: leaderboard, stale });
}

/** "You have the newest": the answer to a resume from the newest position. */
export function currentFrame(leaderboard: string, { epoch, seq }: Position, stale: boolean): Frame {
  return new Frame({ event: 'score:current', leaderboardId: leaderboard, epoch, seq, stale });
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

/** The same fields as an error on any other road. */
export function errorBody({ kind: code, reason, message }: AppError): string {
  return JSON.stringify({ code, reason, message });
}

/**
 * Whether a message that uWebSockets.js dropped was a broadcast of ours, and not a pong. A pong frame repeats what the client
 * said in its ping, as text: at most it makes a socket whose buffer is full count as one that fell behind.
 */
export function isBroadcast(message: ArrayBuffer, isBinary: boolean): boolean {
  if (isBinary) return isBinaryBroadcast(new Uint8Array(message));
  return Buffer.from(message, 0, Math.min(PREFIX_BYTES.length, message.byteLength)).equals(PREFIX_BYTES);
}
