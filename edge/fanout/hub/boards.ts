/**
 * The boards that a node watches. Each costs memory and a poll now and then, so their number is bounded: for the node, for the
 * sockets of one address, which also opens them at a limited rate, and for those of an IPv6 site. Where a bound is reached, a
 * board on which nobody has scored gives way to one that is asked for: names that were made up keep no board of players out,
 * neither from the node nor from others behind the same address.
 */

import { AppError } from '../../../services/shared/errors/app-error.ts';
import { ADDRESSES_PER_SITE, createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import { BOARD_OPENINGS_PER_ADDRESS, BOARDS_PER_ADDRESS, BOARDS_PER_NODE } from '../limits.ts';
import type { AddressShare, Holding } from '../sockets/admission.ts';
import type { Connection } from '../sockets/connection.ts';
import { Channel } from './channel.ts';

export interface BoardsOptions {
  /** Boards that are watched even when no socket watches them. They count for no address. */
  permanent: readonly string[];
  /** Ends the watching of a board that gives way for these viewers, all or some of its own, and tells them. */
  onGivesWay: (channel: Channel, viewers: Iterable<Connection>, error: AppError) => void;
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
   * The board's channel, opened if need be, for a socket of this address. Refuses with SUBSCRIPTION_LIMIT_REACHED when the address,
   * its site or the node watches all it may and no board gives way, and with RATE_LIMITED when the address opens boards too quickly.
   */
  open(leaderboard: string, share: AddressShare | undefined): Channel {
    const known = this.#channels.get(leaderboard);
    if (known === undefined && share !== undefined) {
      const retryAfterMs = this.#openings.spend(share.address, BOARD_OPENINGS_PER_ADDRESS);
      if (retryAfterMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs });
    }
    if (!this.#permanent.has(leaderboard)) this.#makeRoomWithin(leaderboard, share);
    if (known !== undefined) return known;
    if (this.#channels.size >= BOARDS_PER_NODE) {
      this.#makeRoom(this.#channels.values(), ({ viewers }) => viewers);
    }
    const channel = new Channel(leaderboard);
    this.#channels.set(leaderboard, channel);
    return channel;
  }

  enter(channel: Channel, connection: Connection): void {
    const { leaderboard, viewers } = channel;
    viewers.add(connection);
    if (this.#permanent.has(leaderboard)) return;
    for (const { boards } of holdingsOf(connection.share)) {
      boards.set(leaderboard, (boards.get(leaderboard) ?? 0) + 1);
    }
  }

  /** True when the last viewer has left, so that the board was closed. */
  leave(channel: Channel, connection: Connection): boolean {
    const { leaderboard, viewers } = channel;
    viewers.delete(connection);
    if (this.#permanent.has(leaderboard)) return false;
    for (const { boards } of holdingsOf(connection.share)) {
      const sockets = boards.get(leaderboard) ?? 0;
      if (sockets > 1) boards.set(leaderboard, sockets - 1);
      else boards.delete(leaderboard);
    }
    if (viewers.size > 0) return false;
    this.#channels.delete(leaderboard);
    channel.isOpen = false;
    return true;
  }

  #makeRoomWithin(leaderboard: string, share: AddressShare | undefined): void {
    for (const holding of holdingsOf(share)) {
      const { boards } = holding;
      const most = holding === share ? BOARDS_PER_ADDRESS : ADDRESSES_PER_SITE * BOARDS_PER_ADDRESS;
      if (boards.size < most || boards.has(leaderboard)) continue;
      const held = [...boards.keys()].flatMap((name) => this.#channels.get(name) ?? []);
      this.#makeRoom(held, ({ viewers }) =>
        [...viewers].filter(({ share: theirs }) => theirs === holding || theirs?.site === holding),
      );
    }
  }

  /** Of the boards that were read and have no entries, the one with the fewest viewers gives way for these viewers of it. */
  #makeRoom(channels: Iterable<Channel>, viewersOf: (channel: Channel) => Iterable<Connection>): void {
    let least: Channel | undefined;
    for (const channel of channels) {
      if (channel.newest?.entries.length !== 0 || this.#permanent.has(channel.leaderboard)) continue;
      if (least === undefined || channel.viewers.size < least.viewers.size) least = channel;
    }
    const error = new AppError('SUBSCRIPTION_LIMIT_REACHED');
    if (least === undefined) throw error;
    this.#onGivesWay(least, viewersOf(least), error);
  }
}

/** The address and its site, in whose names a socket watches boards. */
function holdingsOf(share: AddressShare | undefined): readonly Holding[] {
  if (share === undefined) return [];
  return share.site === undefined ? [share] : [share, share.site];
}
