/**
 * Decides which sockets receive broadcasts. A socket that lost a frame because it reads too slowly is parked: it is unsubscribed,
 * so it costs nothing and no memory grows. Once its buffer has drained it gets the newest board instead of the frames it missed.
 * A socket that stays behind for too long is closed.
 */
import type { Position } from '../../../services/shared/values/position.ts';
import { CLOSE } from '../frames/close-codes.ts';
import type { Frame } from '../frames/frame.ts';
import { staleFrame } from '../frames/frames.ts';
import type { Channel } from './channel.ts';
import type { Connection } from './connection.ts';

export interface SlowSocketsOptions {
  /** How long a socket may stay behind. */
  limitMs: number;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

/** Before the first tick: the socket may have lost any frame. */
const ANY_TICK = 0;

export class SlowSockets {
  readonly #limitMs: number;
  readonly #monotonicMs: () => number;
  readonly #behind = new Set<Connection>();
  /** Sockets that fell behind since the last call of `park`. */
  #fallen: Connection[] = [];

  constructor({ limitMs, monotonicMs }: SlowSocketsOptions) {
    this.#limitMs = limitMs;
    this.#monotonicMs = monotonicMs;
  }

  /** The number of sockets that are behind. */
  get size(): number {
    return this.#behind.size;
  }

  /**
   * Sends the published board and subscribes the socket to its changes. Both happen in one turn of the event loop, so no older
   * board can follow and no newer one is missed. Before the first publication it does nothing.
   */
  show(connection: Connection, channel: Channel, resume?: Position<number>): void {
    const frame = channel.welcome(resume);
    if (frame !== undefined) this.#deliver(connection, channel, frame);
  }

  /** Marks an open socket as behind: it may have lost frames of this tick and later ones. */
  add(connection: Connection, sinceTick: number): void {
    if (connection.socket === undefined) return;
    if (connection.behind !== undefined) {
      connection.behind.sinceTick = Math.min(connection.behind.sinceTick, sinceTick);
      return;
    }
    connection.behind = { sinceTick, sinceMs: this.#monotonicMs() };
    this.#behind.add(connection);
    this.#fallen.push(connection);
  }

  /** Unsubscribes the sockets that fell behind since the last call. Must be called before anything new is published. */
  park(): void {
    for (const connection of this.#fallen) {
      if (connection.behind === undefined) continue;
      for (const channel of connection.channels) {
        connection.socket?.unsubscribe(channel.topicOf(connection));
      }
    }
    this.#fallen = [];
  }

  /** Sends what the socket missed. To be called when its buffer is empty. */
  catchUp(connection: Connection): void {
    const { behind } = connection;
    if (behind === undefined) return;
    this.forget(connection);
    for (const channel of connection.channels) {
      const { leaderboard, published, publishedTick, publishedStale } = channel;
      if (published === undefined) continue;
      // A board that did not change meanwhile is not sent again, but `stale` may have changed.
      if (publishedTick >= behind.sinceTick) this.show(connection, channel);
      else this.#deliver(connection, channel, staleFrame(leaderboard, publishedStale, published.size));
    }
  }

  forget(connection: Connection): void {
    connection.behind = undefined;
    this.#behind.delete(connection);
  }

  closeOverdue(): void {
    const limit = this.#monotonicMs() - this.#limitMs;
    for (const connection of this.#behind) {
      if (connection.behind !== undefined && connection.behind.sinceMs < limit) {
        connection.close(CLOSE.SLOW_CONSUMER);
      }
    }
  }

  #deliver(connection: Connection, channel: Channel, frame: Frame): void {
    if (connection.behind === undefined && connection.send(frame)) {
      connection.socket?.subscribe(channel.topicOf(connection));
    } else {
      this.add(connection, ANY_TICK);
    }
  }
}
