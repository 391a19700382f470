/**
 * The boards that a node watches. Each costs memory and a poll now and then, so their number is bounded: for the node, and for
 * the sockets of one address, which also opens them at a limited rate. When the node has all it takes, a board on which
 * nobody has scored gives way to one that is opened: names that were made up keep no board of players out.
 */

import { createAddressLimiter } from '../../services/shared/address-limiter.ts';
import { AppError } from '../../services/shared/app-error.ts';
import type { AddressShare } from './admission.ts';
import { Channel } from './channel.ts';
import type { Connection } from './connection.ts';
import { BOARD_OPENINGS_PER_ADDRESS, BOARDS_PER_ADDRESS, BOARDS_PER_NODE } from './limits.ts';

export interface BoardsOptions {
  /** Boards that are watched even when no socket watches them. They count for no address. */
  permanent: readonly string[];
  /** Ends the watching of a board that gives way, and tells its viewers. */
  onGivesWay: (channel: Channel, error: AppError) => void;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export class Boards {
  readonly #permanent: ReadonlySet<string>;
  readonly #onGivesWay: BoardsOptions['onGivesWay'];
  readonly #channels = new Map<string, Channel>();
  readonly #openings;

  constructor({ permanent, onGivesWay, monotonicMs }: BoardsOptions) {
    this.#permanent = new Set(permanent);
    this.#onGivesWay = onGivesWay;
    this.#openings = createAddressLimiter(monotonicMs);
    for (const leaderboard of permanent) this.open(leaderboard, undefined);
  }

  all(): Iterable<Channel> {
    return this.#channels.values();
  }

  find(leaderboard: string): Channel | undefined {
    return this.#channels.get(leaderboard);
  }

  /**
   * The board's channel, opened if need be, for a socket of this address. Refuses with SUBSCRIPTION_LIMIT_REACHED when the address
   * or the node watches all it may, and with RATE_LIMITED when the address opens boards too quickly.
   */
  open(leaderboard: string, share: AddressShare | undefined): Channel {
    const isCounted = share !== undefined && !this.#permanent.has(leaderboard);
    if (isCounted && !share.boards.has(leaderboard) && share.boards.size >= BOARDS_PER_ADDRESS) {
      throw new AppError('SUBSCRIPTION_LIMIT_REACHED');
    }
    const known = this.#channels.get(leaderboard);
    if (known !== undefined) return known;
    const retryAfterMs =
      share === undefined ? 0 : this.#openings.spend(share.address, BOARD_OPENINGS_PER_ADDRESS);
    if (retryAfterMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs });
    if (this.#channels.size >= BOARDS_PER_NODE) this.#makeRoom();
    const channel = new Channel(leaderboard);
    this.#channels.set(leaderboard, channel);
    return channel;
  }

  enter(channel: Channel, connection: Connection): void {
    const { leaderboard, viewers } = channel;
    viewers.add(connection);
    const boards = connection.share?.boards;
    if (!this.#permanent.has(leaderboard)) boards?.set(leaderboard, (boards.get(leaderboard) ?? 0) + 1);
  }

  /** True when the last viewer has left, so that the board was closed. */
  leave(channel: Channel, connection: Connection): boolean {
    const { leaderboard, viewers } = channel;
    viewers.delete(connection);
    if (this.#permanent.has(leaderboard)) return false;
    const boards = connection.share?.boards;
    const sockets = boards?.get(leaderboard) ?? 0;
    if (sockets > 1) boards?.set(leaderboard, sockets - 1);
    else boards?.delete(leaderboard);
    if (viewers.size > 0) return false;
    this.#channels.delete(leaderboard);
    channel.isOpen = false;
    return true;
  }

  /** Of the boards that were read and have no entries, the one with the fewest viewers gives way. */
  #makeRoom(): void {
    let least: Channel | undefined;
    for (const channel of this.#channels.values()) {
      if (channel.newest?.entries.length !== 0 || this.#permanent.has(channel.leaderboard)) continue;
      if (least === undefined || channel.viewers.size < least.viewers.size) least = channel;
    }
    const error = new AppError('SUBSCRIPTION_LIMIT_REACHED');
    if (least === undefined) throw error;
    this.#onGivesWay(least, error);
  }
}
