/** What a link asks of a socket besides the default board, and what it hears of friends. The handshake itself subscribes to the default board in the default size. */
import { type Board, type BoardSize, DEFAULT_LEADERBOARD, DEFAULT_SIZE, type Frame } from './frames.js';
import type { LinkOptions } from './link-options.js';

export interface Subscription {
  readonly leaderboard: string;
  readonly size: BoardSize;
  /** Only a signed-in socket may follow players. */
  readonly friends: readonly string[] | undefined;
}

/** The messages to send, in order. The board that the link has resumes from its position. */
export function openingMessages(
  { leaderboard, size, friends }: Subscription,
  board: Board | undefined,
): string[] {
  const isDefaultBoard = leaderboard === DEFAULT_LEADERBOARD;
  const isDefaultSize = size === DEFAULT_SIZE;
  if (isDefaultBoard && isDefaultSize && friends === undefined) return [];
  const { epoch, seq } = board ?? {};
  const more = { size: isDefaultSize ? undefined : size, players: friends };
  const subscribe = JSON.stringify({ type: 'subscribe', leaderboard, epoch, seq, ...more });
  if (isDefaultBoard) return [subscribe];
  return [subscribe, JSON.stringify({ type: 'unsubscribe', leaderboard: DEFAULT_LEADERBOARD })];
}

/** Passes what a frame says of friends on this board to the page. */
export function tellFriends(
  frame: Frame,
  leaderboard: string,
  { onFriends, onOvertaken }: Pick<LinkOptions, 'onFriends' | 'onOvertaken'>,
): void {
  if (frame.kind === 'friends' && frame.leaderboardId === leaderboard) onFriends?.(frame.friends);
  if (frame.kind === 'overtaken' && frame.leaderboardId === leaderboard) onOvertaken?.(frame.overtaken);
}
