/**
 * The boards that a node watches, each in the sizes that are asked for, and the sockets that watch each. A board in one size costs memory and a regular poll, so their number is
 * limited: for the node, for the sockets of one address, which also open new boards at a limited rate, and for those of an IPv6
 * site. At a limit, a board without scores gives way to the requested one, so that made-up names cannot keep out the boards of
 * players, neither from the node nor from other clients behind the same address.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { ADDRESSES_PER_SITE, createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import { type BoardSize, DEFAULT_SIZE } from '../frames/board-size.ts';
import type { AddressShare, Holding } from './address-share.ts';
import { Channel, keyOf } from './channel.ts';
import type { Connection } from './connection.ts';
import { BOARD_OPENINGS_PER_ADDRESS, BOARDS_PER_ADDRESS, BOARDS_PER_NODE } from './limits.ts';

export interface BoardsOptions {
  /** Boards that are watched even without viewers. They count for no address. */
  permanent: readonly string[];
  /** Called for a board that gives way, with the viewers, all or some of its own, that have to leave it. */
  onGivesWay: (channel: Channel, viewers: Iterable<Connection>, error: AppError) => void;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

const NO_VIEWERS: ReadonlySet<Connection> = new Set();

export class Boards {
  readonly #permanent: ReadonlySet<string>;
  readonly #onGivesWay: BoardsOptions['onGivesWay'];
  readonly #channels = new Map<string, Channel>();
  readonly #viewers = new Map<Channel, Set<Connection>>();
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

  get size(): number {
    return this.#channels.size;
  }

  find(leaderboard: string, size: BoardSize = DEFAULT_SIZE): Channel | undefined {
    return this.#channels.get(keyOf(leaderboard, size));
  }

  viewersOf(channel: Channel): ReadonlySet<Connection> {
    return this.#viewers.get(channel) ?? NO_VIEWERS;
  }

  /**
   * Returns the channel of a board for a socket of this address, and opens it if it is new to the node. Refuses with
   * SUBSCRIPTION_LIMIT_REACHED if the address, its site or the node is at its limit and no board gives way, and with RATE_LIMITED
   * if the address opens boards too quickly.
   */
  open(leaderboard: string, share: AddressShare | undefined, size: BoardSize = DEFAULT_SIZE): Channel {
    const key = keyOf(leaderboard, size);
    const known = this.#channels.get(key);
    if (known === undefined && share !== undefined) {
      const retryAfterMs = this.#openings.spend(share.address, BOARD_OPENINGS_PER_ADDRESS);
      if (retryAfterMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs });
    }
    if (!this.#permanent.has(key)) this.#makeRoomWithin(key, share);
    if (known !== undefined) return known;
    if (this.#channels.size >= BOARDS_PER_NODE) {
      this.#makeRoom(this.#channels.values(), (channel) => this.viewersOf(channel));
    }
    const channel = new Channel(leaderboard, size);
    this.#channels.set(key, channel);
    this.#viewers.set(channel, new Set());
    return channel;
  }

  enter(channel: Channel, connection: Connection): void {
    const { key } = channel;
    this.#viewers.get(channel)?.add(connection);
    if (this.#permanent.has(key)) return;
    for (const { boards } of holdingsOf(connection.share)) {
      boards.set(key, (boards.get(key) ?? 0) + 1);
    }
  }

  /** Returns true if this was the last viewer, so that the board is closed now. */
  leave(channel: Channel, connection: Connection): boolean {
    const { key } = channel;
    this.#viewers.get(channel)?.delete(connection);
    if (this.#permanent.has(key)) return false;
    for (const { boards } of holdingsOf(connection.share)) {
      const sockets = boards.get(key) ?? 0;
      if (sockets > 1) boards.set(key, sockets - 1);
      else boards.delete(key);
    }
    if (this.viewersOf(channel).size > 0) return false;
    this.#channels.delete(key);
    this.#viewers.delete(channel);
    channel.isOpen = false;
    return true;
  }

  #makeRoomWithin(key: string, share: AddressShare | undefined): void {
    for (const holding of holdingsOf(share)) {
      const { boards } = holding;
      const most = holding === share ? BOARDS_PER_ADDRESS : ADDRESSES_PER_SITE * BOARDS_PER_ADDRESS;
      if (boards.size < most || boards.has(key)) continue;
      const held = [...boards.keys()].flatMap((held) => this.#channels.get(held) ?? []);
      this.#makeRoom(held, (channel) =>
        [...this.viewersOf(channel)].filter(({ share: own }) => own === holding || own?.site === holding),
      );
    }
  }

  /** Among boards that are known to have no entries, the one with the fewest viewers gives way, for the given viewers. */
  #makeRoom(channels: Iterable<Channel>, leaversOf: (channel: Channel) => Iterable<Connection>): void {
    let least: Channel | undefined;
    for (const channel of channels) {
      if (channel.newest?.entries.length !== 0 || this.#permanent.has(channel.key)) continue;
      if (least === undefined || this.viewersOf(channel).size < this.viewersOf(least).size) least = channel;
    }
    const error = new AppError('SUBSCRIPTION_LIMIT_REACHED');
    if (least === undefined) throw error;
    this.#onGivesWay(least, leaversOf(least), error);
  }
}

/** The holders for which the boards of a socket count: its address and its site. */
function holdingsOf(share: AddressShare | undefined): readonly Holding[] {
  if (share === undefined) return [];
  return share.site === undefined ? [share] : [share, share.site];
}
