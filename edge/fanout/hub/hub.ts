/**
 * Boards in, frames out. Newest boards arrive at any rate; each tick publishes those that changed, once, to all their viewers.
 * The first change after a quiet time is published at once, and ticks space out what follows. When publishing takes longer than a
 * tick, ticks widen, so that a node under load sends fewer, newer frames instead of a growing queue.
 *
 * Sockets only see published boards, and publishing only moves forward: on every socket (epoch, seq) grows.
 */
import type { AppError } from '../../../services/shared/errors/app-error.ts';
import type { Position } from '../../../services/shared/values/position.ts';
import { type BoardSize, SIZES } from '../frames/board-size.ts';
import { type Board, causeOf, firstOf, type PlayerState } from '../frames/board-state.ts';
import type { Frame } from '../frames/frame.ts';
import { snapshotFrame, staleFrame, updateFrame } from '../frames/frames.ts';
import type { FanoutMetrics } from '../metrics/fanout-metrics.ts';
import type { Boards } from './boards.ts';
import type { Channel } from './channel.ts';
import type { Connection } from './connection.ts';
import type { Personal } from './personal.ts';
import { SlowSockets } from './slow-sockets.ts';
import { Subscriptions } from './subscriptions.ts';
import { Ticker } from './ticker.ts';

export interface HubOptions {
  /** Boards that are watched even without viewers. */
  permanent: readonly string[];
  /** Shortest interval between two publications of a board. */
  tickMs: number;
  /** How long a socket may stay behind. */
  slowConsumerMs: number;
  /** Sends a frame to all subscribers of the channel's topics, each in its encoding, and returns their number. */
  publish: (channel: Channel, frame: Frame) => number;
  personal: Personal;
  metrics: FanoutMetrics;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
  /** CPU time that this process has used, in ms. */
  cpuMs: () => number;
  /** Unix milliseconds, for the commit-to-socket time. */
  now: () => number;
}

/** Its boards are the first entries of those of the default size. */
const SMALL_SIZE: BoardSize = 3;

export class Hub {
  readonly #options: HubOptions;
  readonly #slow: SlowSockets;
  readonly #subscriptions: Subscriptions;
  readonly #boards: Boards;
  readonly #ticker: Ticker;
  /** Boards to publish in the next tick. */
  readonly #dirty = new Set<Channel>();
  /** Counts ticks, from 1. */
  #tick = 0;

  constructor(options: HubOptions) {
    const { permanent, tickMs, slowConsumerMs, metrics, monotonicMs, cpuMs } = options;
    this.#options = options;
    this.#slow = new SlowSockets({ limitMs: slowConsumerMs, monotonicMs });
    this.#subscriptions = new Subscriptions({ permanent, slow: this.#slow, monotonicMs });
    this.#boards = this.#subscriptions.boards;
    this.#ticker = new Ticker({
      widthMs: tickMs,
      run: () => this.#publishChanges(),
      onSettled(costMs, widthMs) {
        metrics.publishSeconds.observe(costMs / 1000);
        metrics.tickWidth.set(widthMs / 1000);
      },
      monotonicMs,
      cpuMs,
    });
  }

  /** The boards that are watched. */
  channels(): Iterable<Channel> {
    return this.#boards.all();
  }

  /** In the default size. */
  find(leaderboard: string): Channel | undefined {
    return this.#boards.find(leaderboard);
  }

  /** The sizes in which a board is watched. */
  sizesOf(leaderboard: string): Channel[] {
    return SIZES.flatMap((size) => this.#boards.find(leaderboard, size) ?? []);
  }

  /** The number of boards that are watched. */
  get watched(): number {
    return this.#boards.size;
  }

  /** The number of sockets that are behind. */
  get behind(): number {
    return this.#slow.size;
  }

  /** Takes a board if it is watched and newer than the newest one. Returns whether it was. */
  offerBoard(board: Board, committedAtMs?: number): boolean {
    const isTaken = this.#offer(board, committedAtMs);
    const isInSmall =
      board.size === undefined && this.#boards.find(board.leaderboard, SMALL_SIZE) !== undefined;
    if (isInSmall) this.#offer(firstOf(board, SMALL_SIZE), committedAtMs);
    return isTaken;
  }

  #offer(board: Board, committedAtMs: number | undefined): boolean {
    const channel = this.#boards.find(board.leaderboard, board.size);
    if (channel === undefined || !channel.isNews(board)) return false;
    if (channel.newest !== channel.published) this.#options.metrics.conflated.inc();
    channel.newest = board;
    channel.committedAtMs = committedAtMs;
    this.#publishSoon(channel);
    return true;
  }

  offerPlayers(leaderboard: string, states: readonly PlayerState[]): void {
    for (const channel of this.sizesOf(leaderboard)) {
      if (this.#options.personal.offer(channel, states)) this.#ticker.schedule();
    }
  }

  setStale(channel: Channel, stale: boolean): void {
    if (channel.stale === stale || !channel.isOpen) return;
    channel.stale = stale;
    this.#publishSoon(channel);
  }

  /** Ends the subscriptions to a board that cannot be read and has not been shown, with an error. */
  refuse(channel: Channel, error: AppError): void {
    this.#subscriptions.refuse(channel, error);
  }

  /**
   * Sends the board to the socket, now or once it is known, and every change from then on. Returns its channel, or undefined if
   * the socket was closed meanwhile. Refuses with an AppError at a limit.
   */
  join(
    connection: Connection,
    leaderboard: string,
    resume?: Position<number>,
    size?: BoardSize,
  ): Channel | undefined {
    return this.#subscriptions.join(connection, leaderboard, resume, size);
  }

  leave(connection: Connection, leaderboard: string): void {
    this.#subscriptions.leave(connection, leaderboard);
  }

  /** To be called when the socket has closed. */
  forget(connection: Connection): void {
    this.#subscriptions.forget(connection);
  }

  /** To be called when a broadcast to this socket was dropped. */
  onDropped(connection: Connection): void {
    this.#options.metrics.framesDropped.inc();
    this.#slow.add(connection, this.#tick);
  }

  /** To be called when the socket's buffer is empty again. */
  onDrained(connection: Connection): void {
    this.#slow.catchUp(connection);
    const { identity } = connection;
    if (connection.owesPersonal && identity) this.#options.personal.resend(identity.userId, connection);
  }

  /** Closes sockets that have been behind for too long. */
  closeSlow(): void {
    this.#slow.closeOverdue();
  }

  stop(): void {
    this.#ticker.stop();
  }

  #publishSoon(channel: Channel): void {
    this.#dirty.add(channel);
    this.#ticker.schedule();
  }

  #publishChanges(): void {
    const { metrics, personal } = this.#options;
    this.#tick += 1;
    this.#slow.park();
    for (const channel of this.#dirty) if (channel.isOpen) this.#publish(channel);
    this.#dirty.clear();
    metrics.framesDelivered.inc({ kind: 'personal' }, personal.flush());
  }

  #publish(channel: Channel): void {
    const { publish, metrics, now } = this.#options;
    const { published, newest, stale, publishedStale, leaderboard, committedAtMs } = channel;
    if (newest === undefined) return;
    const isChanged = newest !== published;
    if (!isChanged && stale === publishedStale) return;
    channel.promote(this.#tick);
    const frame = isChanged
      ? changeFrame(published, newest, stale)
      : staleFrame(leaderboard, stale, newest.size);
    const receivers = publish(channel, frame);
    metrics.publishes.inc();
    metrics.framesDelivered.inc({ kind: 'broadcast' }, receivers);
    if (isChanged && committedAtMs !== undefined) {
      metrics.commitToSocketSeconds.observe(Math.max(0, now() - committedAtMs) / 1000);
    }
    // Viewers of a board that was not known are not subscribed yet.
    if (published !== undefined) return;
    for (const connection of [...this.#boards.viewersOf(channel)]) this.#slow.show(connection, channel);
  }
}

/** An update if one player's change explains the new board, else a snapshot. */
function changeFrame(published: Board | undefined, newest: Board, stale: boolean): Frame {
  const cause = causeOf(published, newest);
  return cause ? updateFrame(newest, cause, stale) : snapshotFrame(newest, stale);
}
