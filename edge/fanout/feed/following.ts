/**
 * Players whom a socket follows on a board, such as the friends of its player. The socket gets all of them, ranked, at the start and
 * whenever one of them moved. A list is always of one moment: it is read from the rank service as a whole, together with lists of
 * other sockets. How many players are followed, how often a list is read and how many reads a node makes is limited, so that many
 * followers make lists arrive later and nothing else.
 */
import type { ListPlayersResponse, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Entry, PlayerState } from '../frames/board-state.ts';
import { playersFrame } from '../frames/frames.ts';
import type { Connection } from '../hub/connection.ts';
import { FOLLOWED_PER_ADDRESS, FOLLOWED_PER_NODE, FOLLOWED_PER_SOCKET } from '../hub/limits.ts';
import {
  FOLLOWED_READS_PER_ROUND,
  FOLLOWED_ROUND_MS,
  FOLLOWED_STALE_MS,
  PLAYERS_PER_READ,
  POLL_DEADLINE_MS,
} from './limits.ts';
import { exactNumber } from './score-event.ts';

interface Follow {
  readonly connection: Connection;
  readonly leaderboard: string;
  readonly userIds: readonly string[];
  readAtMs: number;
  /** What the socket has. */
  shown: string | undefined;
}

export interface FollowingOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'listPlayers'>;
  log: Log;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export class Following {
  readonly #options: FollowingOptions;
  readonly #bySocket = new Map<Connection, Map<string, Follow>>();
  /** By board and player. */
  readonly #byPlayer = new Map<string, Set<Follow>>();
  readonly #ofAddress = new Map<string, number>();
  #total = 0;
  /** Lists to read, in the order in which a player of theirs moved. */
  readonly #due = new Set<Follow>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
  }

  /** How many players are followed, each counted for each socket. */
  get total(): number {
    return this.#total;
  }

  /** From now on the socket follows these players, in place of those before. Refuses with SUBSCRIPTION_LIMIT_REACHED. */
  follow(connection: Connection, leaderboard: string, userIds: readonly string[]): void {
    const own = this.#bySocket.get(connection);
    const before = own?.get(leaderboard)?.userIds.length ?? 0;
    const ofSocket = [...(own?.values() ?? [])].reduce((sum, each) => sum + each.userIds.length, 0);
    const more = userIds.length - before;
    const ofAddress = this.#ofAddress.get(connection.share?.address ?? '') ?? 0;
    const isTooMany =
      ofSocket + more > FOLLOWED_PER_SOCKET ||
      this.#total + more > FOLLOWED_PER_NODE ||
      (connection.share !== undefined && ofAddress + more > FOLLOWED_PER_ADDRESS);
    if (isTooMany && more > 0) {
      throw new AppError('SUBSCRIPTION_LIMIT_REACHED', {
        message: 'No further players can be followed here.',
      });
    }
    this.leave(connection, leaderboard);
    if (userIds.length > 0)
      this.#add({ connection, leaderboard, userIds, readAtMs: -Infinity, shown: undefined });
  }

  leave(connection: Connection, leaderboard: string): void {
    const own = this.#bySocket.get(connection);
    const follow = own?.get(leaderboard);
    if (own === undefined || follow === undefined) return;
    own.delete(leaderboard);
    if (own.size === 0) this.#bySocket.delete(connection);
    this.#due.delete(follow);
    for (const userId of follow.userIds) {
      const key = playerKey(leaderboard, userId);
      const followers = this.#byPlayer.get(key);
      followers?.delete(follow);
      if (followers?.size === 0) this.#byPlayer.delete(key);
    }
    this.#count(connection, -follow.userIds.length);
  }

  /** To be called when the socket has closed. */
  forget(connection: Connection): void {
    for (const leaderboard of [...(this.#bySocket.get(connection)?.keys() ?? [])]) {
      this.leave(connection, leaderboard);
    }
  }

  /** Players whose score changed. */
  offer(leaderboard: string, states: readonly PlayerState[]): void {
    if (this.#byPlayer.size === 0) return;
    for (const { userId } of states) {
      for (const follow of this.#byPlayer.get(playerKey(leaderboard, userId)) ?? []) this.#due.add(follow);
    }
    this.#schedule();
  }

  /** Lists whose ranks other players may have changed are read again. To be called at intervals. */
  refresh(): void {
    const before = this.#options.monotonicMs() - FOLLOWED_STALE_MS;
    for (const own of this.#bySocket.values()) {
      for (const follow of own.values()) if (follow.readAtMs < before) this.#due.add(follow);
    }
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #add(follow: Follow): void {
    const { connection, leaderboard, userIds } = follow;
    const own = this.#bySocket.get(connection) ?? new Map<string, Follow>();
    this.#bySocket.set(connection, own.set(leaderboard, follow));
    for (const userId of userIds) {
      const key = playerKey(leaderboard, userId);
      const followers = this.#byPlayer.get(key) ?? new Set();
      this.#byPlayer.set(key, followers.add(follow));
    }
    this.#count(connection, userIds.length);
    this.#due.add(follow);
    this.#schedule();
  }

  #count({ share }: Connection, change: number): void {
    this.#total += change;
    if (share === undefined) return;
    const now = (this.#ofAddress.get(share.address) ?? 0) + change;
    if (now === 0) this.#ofAddress.delete(share.address);
    else this.#ofAddress.set(share.address, now);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#stopped || this.#due.size === 0) return;
    this.#timer = setTimeout(() => void this.#round(), 0);
  }

  /** Rounds follow each other at intervals, so that a list is read at most once in each and the node makes so many reads a second. */
  async #round(): Promise<void> {
    const due = [...this.#due];
    for (let reads = 0; reads < FOLLOWED_READS_PER_ROUND && due.length > 0; reads += 1) {
      await this.#read(takeTogether(due));
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#schedule();
    }, FOLLOWED_ROUND_MS);
  }

  /** A list that cannot be read stays due. */
  async #read(follows: readonly Follow[]): Promise<void> {
    const [first] = follows;
    if (first === undefined) return;
    for (const follow of follows) this.#due.delete(follow);
    const userIds = [...new Set(follows.flatMap((follow) => follow.userIds))];
    try {
      const { leaderboard } = first;
      const answer = await this.#options.rank.listPlayers(
        { leaderboard, userIds },
        { limitMs: POLL_DEADLINE_MS },
      );
      for (const follow of follows) this.#show(follow, answer);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'followed players not read from the rank service');
      for (const follow of follows) if (this.#stands(follow)) this.#due.add(follow);
    }
  }

  /** A socket that does not keep up gets the list of a later refreshment. */
  #show(follow: Follow, { entries, stale }: ListPlayersResponse): void {
    const { connection, leaderboard } = follow;
    if (!this.#stands(follow)) return;
    if (!connection.channels.some((channel) => channel.leaderboard === leaderboard)) {
      // The board gave way to another one.
      this.leave(connection, leaderboard);
      return;
    }
    const followed = new Set(follow.userIds);
    const players = entries.filter(({ userId }) => followed.has(userId)).map(toEntry);
    const frame = playersFrame(leaderboard, players, stale);
    follow.readAtMs = this.#options.monotonicMs();
    if (frame.text === follow.shown) return;
    if (connection.behind === undefined && connection.send(frame)) follow.shown = frame.text;
  }

  /** Whether it was not ended or replaced meanwhile. */
  #stands(follow: Follow): boolean {
    return this.#bySocket.get(follow.connection)?.get(follow.leaderboard) === follow;
  }
}

const playerKey = (leaderboard: string, userId: string): string => `${leaderboard} ${userId}`;

/** Takes lists of one board from the beginning, as many as one read can have. */
function takeTogether(due: Follow[]): Follow[] {
  const taken: Follow[] = [];
  const userIds = new Set<string>();
  const [first] = due;
  for (const follow of [...due]) {
    if (follow.leaderboard !== first?.leaderboard) continue;
    const more = follow.userIds.filter((userId) => !userIds.has(userId));
    if (userIds.size + more.length > PLAYERS_PER_READ) break;
    for (const userId of more) userIds.add(userId);
    taken.push(follow);
    due.splice(due.indexOf(follow), 1);
  }
  return taken;
}

function toEntry({ userId, username, score, rank }: ListPlayersResponse['entries'][number]): Entry {
  return { userId, username, score: exactNumber(score), rank: exactNumber(rank) };
}
