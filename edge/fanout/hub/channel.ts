/** A leaderboard in one size that this node watches: its newest board, and the board that its sockets have been sent. */
import { isAfter, isSame, type Position } from '../../../services/shared/values/position.ts';
import { type BoardSize, DEFAULT_SIZE, isInEvents } from '../frames/board-size.ts';
import { type Board, showsSame } from '../frames/board-state.ts';
import type { Frame } from '../frames/frame.ts';
import { currentFrame, snapshotFrame } from '../frames/frames.ts';

/** Names a board in one size, within a node. */
export function keyOf(leaderboard: string, size: BoardSize): string {
  return size === DEFAULT_SIZE ? leaderboard : `${leaderboard}/${size}`;
}

export class Channel {
  readonly leaderboard: string;
  readonly size: BoardSize;
  readonly key: string;
  /** The uWebSockets.js topics, one for each encoding. Their subscribers have been sent `published`. */
  readonly textTopic: string;
  readonly binaryTopic: string;
  /** The list of boards of every socket that watches this one only. Sharing it saves an array for each socket. */
  readonly alone: readonly Channel[] = [this];
  newest: Board | undefined = undefined;
  /** When the newest board was committed, in Unix milliseconds; for metrics only. */
  committedAtMs: number | undefined = undefined;
  /** The board that sockets have. Snapshots show this one, so the next update is always newer. */
  published: Board | undefined = undefined;
  /** The tick in which `published` was published. */
  publishedTick = 0;
  /** Neither the feed nor a poll has confirmed the newest board lately. */
  stale = true;
  publishedStale = true;
  /** False once the last viewer has left. */
  isOpen = true;
  /** Made once for all sockets that join between two changes. */
  #snapshot: Frame | undefined = undefined;

  constructor(leaderboard: string, size: BoardSize = DEFAULT_SIZE) {
    this.leaderboard = leaderboard;
    this.size = size;
    this.key = keyOf(leaderboard, size);
    this.textTopic = `board/${this.key}`;
    this.binaryTopic = `board/${this.key}/binary`;
  }

  /** Whether this board is to be shown after the newest one. Below the tenth entry a board changes without a later position. */
  isNews(board: Board): boolean {
    if (isAfter(board, this.newest)) return true;
    if (isInEvents(this.size) || isAfter(this.newest, board)) return false;
    return !showsSame(this.newest, board);
  }

  topicOf({ isBinary }: { readonly isBinary: boolean }): string {
    return isBinary ? this.binaryTopic : this.textTopic;
  }

  /** Makes the newest board the published one. */
  promote(tick: number): void {
    if (this.published !== this.newest) this.publishedTick = tick;
    this.published = this.newest;
    this.publishedStale = this.stale;
    this.#snapshot = undefined;
  }

  /** The first frame for a socket that joins, or undefined while no board is published. */
  welcome(resume: Position<number> | undefined): Frame | undefined {
    const { published, publishedStale, size } = this;
    if (published === undefined) return undefined;
    if (isInEvents(size) && isSame(resume, published))
      return currentFrame(this.leaderboard, published, publishedStale, published.size);
    this.#snapshot ??= snapshotFrame(published, publishedStale);
    return this.#snapshot;
  }
}
