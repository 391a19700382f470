/** Who follows whom: by socket, and by board and player. How many players are followed is limited by socket, address and node. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { Connection } from '../hub/connection.ts';
import { FOLLOWED_PER_ADDRESS, FOLLOWED_PER_NODE, FOLLOWED_PER_SOCKET } from '../hub/limits.ts';

/** The players whom a socket follows on a board. */
export interface Follow {
  readonly connection: Connection;
  readonly leaderboard: string;
  readonly userIds: readonly string[];
  /** The socket's own player, once it is known. */
  ownId: string | undefined;
  readAtMs: number;
  /** What the socket has. */
  shown: string | undefined;
  /** Who was above the own player, as far as the socket was told; undefined while the own player was not on the board. */
  above: ReadonlySet<string> | undefined;
}

const NONE: ReadonlySet<Follow> = new Set();

export class Follows {
  readonly #bySocket = new Map<Connection, Map<string, Follow>>();
  readonly #byPlayer = new Map<string, Set<Follow>>();
  readonly #ofAddress = new Map<string, number>();
  #total = 0;

  /** How many players are followed, each counted for each socket. */
  get total(): number {
    return this.#total;
  }

  *all(): Iterable<Follow> {
    for (const own of this.#bySocket.values()) yield* own.values();
  }

  ofSocket(connection: Connection): readonly Follow[] {
    return [...(this.#bySocket.get(connection)?.values() ?? [])];
  }

  /** Those that a move of this player is about. */
  ofPlayer(leaderboard: string, userId: string): ReadonlySet<Follow> {
    return this.#byPlayer.get(playerKey(leaderboard, userId)) ?? NONE;
  }

  /** Whether it was not ended or replaced meanwhile. */
  stands(follow: Follow): boolean {
    return this.#bySocket.get(follow.connection)?.get(follow.leaderboard) === follow;
  }

  /** There must be none of this socket and board, and room. */
  add(connection: Connection, leaderboard: string, userIds: readonly string[]): Follow {
    const follow: Follow = {
      ...{ connection, leaderboard, userIds },
      ...{ ownId: undefined, readAtMs: -Infinity, shown: undefined, above: undefined },
    };
    const own = this.#bySocket.get(connection) ?? new Map<string, Follow>();
    this.#bySocket.set(connection, own.set(leaderboard, follow));
    for (const userId of userIds) this.#note(follow, userId);
    this.#count(connection, userIds.length);
    return follow;
  }

  /** Refuses with SUBSCRIPTION_LIMIT_REACHED if so many more players would be too many. */
  assertRoom(connection: Connection, more: number): void {
    if (more <= 0) return;
    const ofSocket = this.ofSocket(connection).reduce((sum, { userIds }) => sum + userIds.length, 0);
    const ofAddress = this.#ofAddress.get(connection.share?.address ?? '') ?? 0;
    const isTooMany =
      ofSocket + more > FOLLOWED_PER_SOCKET ||
      ofAddress + more > FOLLOWED_PER_ADDRESS ||
      this.#total + more > FOLLOWED_PER_NODE;
    if (!isTooMany) return;
    throw new AppError('SUBSCRIPTION_LIMIT_REACHED', { message: 'No further players can be followed here.' });
  }

  end(follow: Follow): void {
    const { connection, leaderboard, userIds } = follow;
    if (!this.stands(follow)) return;
    const own = this.#bySocket.get(connection);
    own?.delete(leaderboard);
    if (own?.size === 0) this.#bySocket.delete(connection);
    for (const userId of askedBy(follow)) {
      const key = playerKey(leaderboard, userId);
      const followers = this.#byPlayer.get(key);
      followers?.delete(follow);
      if (followers?.size === 0) this.#byPlayer.delete(key);
    }
    this.#count(connection, -userIds.length);
  }

  /** A move of the own player is about its socket's lists too. */
  noteOwn(follow: Follow): void {
    const { identity } = follow.connection;
    if (identity === undefined || follow.ownId !== undefined) return;
    follow.ownId = identity.userId;
    this.#note(follow, follow.ownId);
  }

  #note(follow: Follow, userId: string): void {
    const key = playerKey(follow.leaderboard, userId);
    const followers = this.#byPlayer.get(key) ?? new Set();
    this.#byPlayer.set(key, followers.add(follow));
  }

  #count({ share }: Connection, change: number): void {
    this.#total += change;
    if (share === undefined) return;
    const now = (this.#ofAddress.get(share.address) ?? 0) + change;
    if (now === 0) this.#ofAddress.delete(share.address);
    else this.#ofAddress.set(share.address, now);
  }
}

/** The followed players, and the socket's own. */
export function askedBy({ userIds, ownId }: Follow): readonly string[] {
  return ownId === undefined ? userIds : [...userIds, ownId];
}

const playerKey = (leaderboard: string, userId: string): string => `${leaderboard} ${userId}`;
