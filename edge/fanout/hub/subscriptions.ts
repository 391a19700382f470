/** Subscribes sockets to boards and ends their subscriptions: at their request, at a limit, and when a board cannot be read. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { Position } from '../../../services/shared/values/position.ts';
import { type BoardSize, DEFAULT_SIZE } from '../frames/board-size.ts';
import { CLOSE } from '../frames/close-codes.ts';
import { errorFrame } from '../frames/frames.ts';
import { Boards } from './boards.ts';
import type { Channel } from './channel.ts';
import type { Connection } from './connection.ts';
import { BOARDS_PER_SOCKET } from './limits.ts';
import type { SlowSockets } from './slow-sockets.ts';

export interface SubscriptionsOptions {
  permanent: readonly string[];
  slow: SlowSockets;
  monotonicMs: () => number;
}

export class Subscriptions {
  readonly boards: Boards;
  readonly #slow: SlowSockets;

  constructor({ permanent, slow, monotonicMs }: SubscriptionsOptions) {
    this.#slow = slow;
    this.boards = new Boards({
      permanent,
      onGivesWay: (channel, viewers, error) => this.#dismiss(viewers, channel, error),
      monotonicMs,
    });
  }

  /** A socket watches a board in one size: another one takes the place of the last. */
  join(
    connection: Connection,
    leaderboard: string,
    resume?: Position<number>,
    size: BoardSize = DEFAULT_SIZE,
  ): Channel | undefined {
    const before = connection.channels.find((channel) => channel.leaderboard === leaderboard);
    const isViewer = before?.size === size;
    if (before === undefined && connection.channels.length >= BOARDS_PER_SOCKET) {
      throw new AppError('SUBSCRIPTION_LIMIT_REACHED');
    }
    const channel = this.boards.open(leaderboard, connection.share, size);
    if (!isViewer) {
      this.leave(connection, leaderboard);
      setChannels(connection, [...connection.channels, channel]);
      this.boards.enter(channel, connection);
    }
    // `open` may have closed this very socket: one with a full buffer that had to give up a board.
    if (connection.socket === undefined) {
      this.forget(connection);
      return undefined;
    }
    this.#slow.show(connection, channel, resume);
    return channel;
  }

  leave(connection: Connection, leaderboard: string): void {
    const channel = connection.channels.find((each) => each.leaderboard === leaderboard);
    if (channel === undefined) return;
    setChannels(
      connection,
      connection.channels.filter((each) => each !== channel),
    );
    connection.socket?.unsubscribe(channel.topicOf(connection));
    this.boards.leave(channel, connection);
  }

  forget(connection: Connection): void {
    this.#slow.forget(connection);
    for (const channel of connection.channels) this.boards.leave(channel, connection);
    connection.channels = [];
  }

  refuse(channel: Channel, error: AppError): void {
    // A published board stays on the screens; it is stale meanwhile.
    if (channel.published === undefined) this.#dismiss(this.boards.viewersOf(channel), channel, error);
  }

  #dismiss(viewers: Iterable<Connection>, channel: Channel, error: AppError): void {
    const frame = errorFrame(error, channel.leaderboard);
    for (const connection of [...viewers]) {
      this.leave(connection, channel.leaderboard);
      // Without the error the client would go on to show a board that no longer changes.
      if (!connection.send(frame)) connection.close(CLOSE.SLOW_CONSUMER);
    }
  }
}

function setChannels(connection: Connection, channels: readonly Channel[]): void {
  const [first] = channels;
  connection.channels = channels.length === 1 && first !== undefined ? first.alone : channels;
}
