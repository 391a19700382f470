/**
 * The heart of a node: newest boards come in at any rate, and each tick publishes those that changed, once, to all who
 * watch them. The first change after a quiet time goes out at once; ticks only space out what follows. When publishing
 * takes longer than a tick, ticks widen with it, so that a node under load sends fewer, newer frames instead of a queue.
 *
 * Sockets only ever see published boards, and publishing only moves forward: so on every socket (epoch, seq) grows.
 * A socket that lost a frame is parked: it gets nothing until its buffer has drained, and then the newest board.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { FanoutMetrics } from '../fanout-metrics.ts';
import { BOARDS_PER_SOCKET } from '../limits.ts';
import { CLOSE } from '../sockets/close-codes.ts';
import type { Connection } from '../sockets/connection.ts';
import { type Board, causeOf, isNewer, type Position } from './board-state.ts';
import { Boards } from './boards.ts';
import type { Channel } from './channel.ts';
import type { Frame } from './frame.ts';
import { errorFrame, type PlayerState, snapshotFrame, staleFrame, updateFrame } from './frames.ts';
import type { Personal } from './personal.ts';
import { createSlowSockets } from './slow-sockets.ts';
import { createTicker } from './ticker.ts';

export interface HubOptions {
  /** Boards that are watched even when nobody looks. */
  permanent: readonly string[];
  /** Shortest time between two publications. */
  tickMs: number;
  /** How long a socket may stay behind. */
  slowConsumerMs: number;
  /** Sends a frame to all subscribers of the channel's topics, each in its encoding, and says how many they are. */
  publish: (channel: Channel, frame: Frame) => number;
  personal: Personal;
  /** A board was opened that is not known yet. */
  onOpened: (channel: Channel) => void;
  metrics: FanoutMetrics;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
  /** Unix milliseconds, for the commit-to-socket time. */
  now: () => number;
}

export interface Hub {
  channels(): Iterable<Channel>;
  /** A board that is watched. */
  find(leaderboard: string): Channel | undefined;
  /** Takes a board if it is newer than the newest and somebody watches it; true when it was. */
  offerBoard(board: Board, committedAtMs?: number): boolean;
  offerPlayers(leaderboard: string, states: readonly PlayerState[]): void;
  setStale(channel: Channel, stale: boolean): void;
  /** Tells those who wait for a first board that it will not come. */
  refuse(channel: Channel, error: AppError): void;
  /** Shows the board to the socket, now or as soon as it is known, and every change from then on. */
  join(connection: Connection, leaderboard: string, resume?: Position): void;
  leave(connection: Connection, leaderboard: string): void;
  /** The socket is closed. */
  forget(connection: Connection): void;
  /** A frame to this socket was dropped. */
  onDropped(connection: Connection): void;
  /** The socket's buffer is empty again. */
  onDrained(connection: Connection): void;
  /** Closes sockets that have been behind for too long. */
  closeSlow(): void;
  stop(): void;
  /** Sockets that are behind. */
  readonly behind: number;
}

export function createHub(options: HubOptions): Hub {
  const { tickMs, slowConsumerMs, publish, personal, onOpened, metrics, monotonicMs, now } = options;
  const boards = new Boards({
    permanent: options.permanent,
    onGivesWay: (channel, viewers, error) => dismiss(viewers, channel, error),
    monotonicMs,
  });
  /** A shared list for the many sockets that watch one board only. */
  const alone = new Map<Channel, readonly Channel[]>();
  const dirty = new Set<Channel>();
  const slow = createSlowSockets({ limitMs: slowConsumerMs, show, monotonicMs });
  const ticker = createTicker({
    widthMs: tickMs,
    run: publishChanges,
    onSettled(costMs, widthMs) {
      metrics.publishSeconds.observe(costMs / 1000);
      metrics.tickWidth.set(widthMs / 1000);
    },
    monotonicMs,
  });
  let tick = 0;

  function publishChanges(): void {
    tick += 1;
    slow.park();
    for (const channel of dirty) publishChannel(channel);
    dirty.clear();
    metrics.framesDelivered.inc({ kind: 'personal' }, personal.flush());
  }

  function publishChannel(channel: Channel): void {
    const { published, newest, stale, publishedStale, leaderboard } = channel;
    if (newest === undefined) return;
    const changed = newest !== published;
    if (!changed && stale === publishedStale) return;
    channel.promote(tick);
    const cause = causeOf(published, newest);
    let frame = staleFrame(leaderboard, stale);
    if (changed) frame = cause ? updateFrame(newest, cause, stale) : snapshotFrame(newest, stale);
    const receivers = publish(channel, frame);
    metrics.publishes.inc();
    metrics.framesDelivered.inc({ kind: 'broadcast' }, receivers);
    if (changed && channel.committedAtMs > 0) {
      metrics.commitToSocketSeconds.observe(Math.max(0, now() - channel.committedAtMs) / 1000);
    }
    const awaiting = [...channel.awaiting];
    channel.awaiting.clear();
    for (const connection of awaiting) show(connection, channel);
  }

  /** Snapshot and subscription in one turn, so that nothing older can follow and nothing newer is missed. */
  function show(connection: Connection, channel: Channel, resume?: Position): void {
    const frame = channel.welcome(resume);
    if (frame === undefined) channel.awaiting.add(connection);
    else if (connection.isBehind || !connection.send(frame)) slow.add(connection, 0);
    else connection.socket?.subscribe(channel.topicOf(connection));
  }

  function withdraw(connection: Connection, channel: Channel): void {
    channel.awaiting.delete(connection);
    if (!boards.leave(channel, connection)) return;
    alone.delete(channel);
    dirty.delete(channel);
  }

  function setChannels(connection: Connection, list: readonly Channel[]): void {
    const [first] = list;
    if (list.length !== 1 || first === undefined) {
      connection.channels = list;
      return;
    }
    const shared = alone.get(first) ?? list;
    alone.set(first, shared);
    connection.channels = shared;
  }

  function leave(connection: Connection, channel: Channel): void {
    if (!connection.channels.includes(channel)) return;
    setChannels(
      connection,
      connection.channels.filter((each) => each !== channel),
    );
    connection.socket?.unsubscribe(channel.topicOf(connection));
    withdraw(connection, channel);
  }

  function dismiss(connections: Iterable<Connection>, channel: Channel, error: AppError): void {
    for (const connection of [...connections]) {
      leave(connection, channel);
      // A socket that can't be told would go on to show a board that no longer moves.
      if (!connection.send(errorFrame(error, channel.leaderboard))) connection.close(CLOSE.SLOW_CONSUMER);
    }
  }

  function forget(connection: Connection): void {
    slow.forget(connection);
    for (const channel of connection.channels) withdraw(connection, channel);
    connection.channels = [];
  }

  return {
    channels: () => boards.all(),
    find: (leaderboard) => boards.find(leaderboard),

    offerBoard(board, committedAtMs = 0) {
      const channel = boards.find(board.leaderboard);
      if (channel === undefined || !isNewer(board, channel.newest)) return false;
      if (channel.newest !== channel.published) metrics.conflated.inc();
      channel.newest = board;
      channel.committedAtMs = committedAtMs;
      dirty.add(channel);
      ticker.schedule();
      return true;
    },

    offerPlayers(leaderboard, states) {
      const channel = boards.find(leaderboard);
      if (channel !== undefined && personal.offer(channel, states)) ticker.schedule();
    },

    setStale(channel, stale) {
      if (channel.stale === stale || !channel.isOpen) return;
      channel.stale = stale;
      dirty.add(channel);
      ticker.schedule();
    },

    refuse(channel, error) {
      dismiss(channel.awaiting, channel, error);
    },

    join(connection, leaderboard, resume) {
      const isMember = connection.channels.some((channel) => channel.leaderboard === leaderboard);
      if (!isMember && connection.channels.length >= BOARDS_PER_SOCKET) {
        throw new AppError('SUBSCRIPTION_LIMIT_REACHED');
      }
      const channel = boards.open(leaderboard, connection.share);
      if (!isMember) {
        setChannels(connection, [...connection.channels, channel]);
        boards.enter(channel, connection);
      }
      // Making room may have closed it, as a socket that can't be told what it lost.
      if (connection.socket === undefined) return forget(connection);
      show(connection, channel, resume);
      if (channel.newest === undefined) onOpened(channel);
    },

    leave(connection, leaderboard) {
      const channel = boards.find(leaderboard);
      if (channel !== undefined) leave(connection, channel);
    },

    forget,

    onDropped(connection) {
      metrics.framesDropped.inc();
      slow.add(connection, tick);
    },

    onDrained(connection) {
      if (connection.isBehind) slow.catchUp(connection);
      const { identity } = connection;
      if (connection.owesPersonal && identity) personal.resend(identity.userId, connection);
    },

    closeSlow: () => slow.closeOverdue(),
    stop: () => ticker.stop(),
    get behind() {
      return slow.size;
    },
  };
}
