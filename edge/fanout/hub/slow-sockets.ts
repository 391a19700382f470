/**
 * Sockets that lost a frame because they do not read fast enough. They are parked, so that they cost nothing and no
 * memory grows, until their buffer has drained; then they get the newest board instead of what they missed. One that
 * stays behind for too long is closed.
 */

import { CLOSE } from '../sockets/close-codes.ts';
import { type Connection, KEEPS_UP } from '../sockets/connection.ts';
import type { Channel } from './channel.ts';
import { staleFrame } from './frames.ts';

export interface SlowSocketsOptions {
  /** How long a socket may stay behind. */
  limitMs: number;
  /** Sends the newest board of the channel and subscribes the socket to what follows. */
  show: (connection: Connection, channel: Channel) => void;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export interface SlowSockets {
  /** From the given tick on the socket may have lost frames; 0 means all of them. */
  add(connection: Connection, sinceTick: number): void;
  /** Stops listening for those who fell behind since the last call. To be called before anything new is published. */
  park(): void;
  /** The socket's buffer is empty: shows it what it missed. */
  catchUp(connection: Connection): void;
  forget(connection: Connection): void;
  closeOverdue(): void;
  readonly size: number;
}

export function createSlowSockets({ limitMs, show, monotonicMs }: SlowSocketsOptions): SlowSockets {
  const behind = new Set<Connection>();
  let fallen: Connection[] = [];

  return {
    add(connection, sinceTick) {
      if (connection.socket === undefined) return;
      if (connection.isBehind) {
        connection.behindSinceTick = Math.min(connection.behindSinceTick, sinceTick);
        return;
      }
      connection.behindSinceTick = sinceTick;
      connection.behindSinceMs = monotonicMs();
      behind.add(connection);
      fallen.push(connection);
    },

    park() {
      for (const connection of fallen) {
        if (!connection.isBehind) continue;
        for (const channel of connection.channels) {
          connection.socket?.unsubscribe(channel.topicOf(connection));
        }
      }
      fallen = [];
    },

    catchUp(connection) {
      const sinceTick = connection.behindSinceTick;
      connection.behindSinceTick = KEEPS_UP;
      behind.delete(connection);
      for (const channel of connection.channels) {
        if (channel.published === undefined) continue;
        if (channel.publishedTick >= sinceTick) {
          show(connection, channel);
        } else {
          // This board did not change meanwhile; whether it is stale may have.
          connection.send(staleFrame(channel.leaderboard, channel.publishedStale));
          connection.socket?.subscribe(channel.topicOf(connection));
        }
      }
    },

    forget(connection) {
      behind.delete(connection);
    },

    closeOverdue() {
      const limit = monotonicMs() - limitMs;
      for (const connection of behind) {
        if (connection.behindSinceMs < limit) connection.close(CLOSE.SLOW_CONSUMER);
      }
    },

    get size() {
      return behind.size;
    },
  };
}
