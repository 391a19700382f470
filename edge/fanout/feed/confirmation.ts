/** What confirms that a board is fresh, and the judgement that follows: fresh or stale. All times are monotonic milliseconds. */
import type { Board } from '../frames/board-state.ts';
import { STALE_AFTER_MS } from './limits.ts';

/** One session of the feed. Sessions are compared by identity. */
export interface Session {
  /** Undefined while the feed is healthy. */
  lostAtMs: number | undefined;
}

/** What is known about one board. */
export interface Watch {
  pollAtMs: number;
  /** When the last answered poll was sent. */
  polledAtMs: number;
  /** The session in which the board was read: since then its events have been complete. */
  readIn: Session | undefined;
  /** The session whose last event of the board said that the board is behind. */
  behindIn: Session | undefined;
  /** The rank service answered the last poll with a stale board. */
  sourceStale: boolean;
  /** An event of the board was read since the last poll was sent: of a size that events do not bring, the board may have changed. */
  isOverdue: boolean;
  /** The board of the last poll, if it was ahead of a healthy feed. */
  ahead: Board | undefined;
}

export function createWatch(): Watch {
  return {
    pollAtMs: 0,
    polledAtMs: -Infinity,
    readIn: undefined,
    behindIn: undefined,
    sourceStale: false,
    isOverdue: false,
    ahead: undefined,
  };
}

export class Confirmation {
  readonly #monotonicMs: () => number;
  #session: Session | undefined = undefined;
  #sentinel = { stale: false, polledAtMs: -Infinity, confirmedAtMs: -Infinity };

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** The current or last session of the feed; undefined before the first. */
  get session(): Session | undefined {
    return this.#session;
  }

  get isFeedHealthy(): boolean {
    return this.#session !== undefined && this.#session.lostAtMs === undefined;
  }

  onFeedOpened(): void {
    this.#session = { lostAtMs: undefined };
  }

  onFeedLost(sinceMs: number): void {
    if (this.#session !== undefined) this.#session.lostAtMs = sinceMs;
  }

  /**
   * The rank service answered a poll of the sentinel, and Postgres had confirmed its index at `confirmedAtMs`. Returns whether
   * that changes the judgement of all boards.
   */
  onSentinel(stale: boolean, polledAtMs: number, confirmedAtMs: number): boolean {
    const isChanged = this.#sentinel.stale !== stale;
    this.#sentinel = { stale, polledAtMs, confirmedAtMs };
    return isChanged;
  }

  /** No poll of the sentinel was answered lately. */
  isSentinelSilent(): boolean {
    return this.#monotonicMs() - this.#sentinel.polledAtMs > STALE_AFTER_MS;
  }

  /** The board was read in the present session, so its events are complete. */
  isComplete({ readIn }: Watch): boolean {
    return readIn !== undefined && readIn === this.#session;
  }

  isStale(watch: Watch): boolean {
    if (this.#sentinel.stale || this.#monotonicMs() - this.#sentinel.confirmedAtMs > STALE_AFTER_MS)
      return true;
    if (watch.behindIn !== undefined && watch.behindIn === this.#session) return true;
    const nowMs = this.#monotonicMs();
    const byFeedMs = this.isComplete(watch) ? (watch.readIn?.lostAtMs ?? nowMs) : -Infinity;
    return watch.sourceStale || nowMs - Math.max(byFeedMs, watch.polledAtMs) > STALE_AFTER_MS;
  }
}
