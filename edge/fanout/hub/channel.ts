/** A leaderboard that this node watches: what is newest, and what sockets have been shown. */

import type { Connection } from '../sockets/connection.ts';
import { type Board, isSame, type Position } from './board-state.ts';
import type { Frame } from './frame.ts';
import { currentFrame, snapshotFrame } from './frames.ts';

export class Channel {
  readonly leaderboard: string;
  /** The uWebSockets.js topics, one for each encoding, whose subscribers have been shown `published`. */
  readonly textTopic: string;
  readonly binaryTopic: string;
  /** The newest board known. */
  newest: Board | undefined = undefined;
  /** When the newest board was committed, Unix milliseconds; for measuring only. */
  committedAtMs = 0;
  /** The board that sockets have. Snapshots show this one, so that the next update is always newer. */
  published: Board | undefined = undefined;
  /** The tick that published it. */
  publishedTick = 0;
  /** Nobody has vouched for the board lately. */
  stale = true;
  publishedStale = true;
  readonly viewers = new Set<Connection>();
  /** False once the last viewer has left. */
  isOpen = true;
  /** Viewers from before the first board was known. */
  readonly awaiting = new Set<Connection>();
  /** Shared by the thousands who join or come back between two changes. */
  private snapshot: Frame | undefined = undefined;

  constructor(leaderboard: string) {
    this.leaderboard = leaderboard;
    this.textTopic = `board/${leaderboard}`;
    this.binaryTopic = `board/${leaderboard}/binary`;
  }

  /** The topic of a socket's encoding. */
  topicOf({ isBinary }: Connection): string {
    return isBinary ? this.binaryTopic : this.textTopic;
  }

  /** Makes the newest board the one that sockets have. */
  promote(tick: number): void {
    if (this.published !== this.newest) this.publishedTick = tick;
    this.published = this.newest;
    this.publishedStale = this.stale;
    this.snapshot = undefined;
  }

  /** What a socket that joins is shown, or undefined while no board is known. */
  welcome(resume: Position | undefined): Frame | undefined {
    const { published, publishedStale } = this;
    if (published === undefined) return undefined;
    if (resume !== undefined && isSame(resume, published)) {
      return currentFrame(this.leaderboard, published, publishedStale);
    }
    this.snapshot ??= snapshotFrame(published, publishedStale);
    return this.snapshot;
  }
}
