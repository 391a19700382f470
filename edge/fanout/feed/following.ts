/**
 * Players whom a socket follows on a board, such as the friends of its player. The socket gets all of them, ranked, at the start and
 * whenever one of them moved. A list is always of one moment: it is read from the rank service as a whole, together with lists of
 * other sockets. How many players are followed, how often a list is read and how many reads a node makes is limited, so that many
 * followers make lists arrive later and nothing else. Two lists in turn also tell which of these players passed the socket's own.
 */
import type { ListPlayersResponse, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Entry, PlayerState } from '../frames/board-state.ts';
import { overtakenFrame, playersFrame } from '../frames/frames.ts';
import type { Connection } from '../hub/connection.ts';
import { askedBy, type Follow, Follows } from './follows.ts';
import {
  FOLLOWED_READS_PER_ROUND,
  FOLLOWED_ROUND_MS,
  FOLLOWED_STALE_MS,
  PLAYERS_PER_READ,
  POLL_DEADLINE_MS,
} from './limits.ts';
import { exactNumber } from './score-event.ts';

export interface FollowingOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'listPlayers'>;
  log: Log;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export class Following {
  readonly #options: FollowingOptions;
  readonly #follows = new Follows();
  /** Lists to read, in the order in which a player of theirs moved. */
  readonly #due = new Set<Follow>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
  }

  /** How many players are followed, each counted for each socket. */
  get total(): number {
    return this.#follows.total;
  }

  /** From now on the socket follows these players, in place of those before. Refuses with SUBSCRIPTION_LIMIT_REACHED. */
  follow(connection: Connection, leaderboard: string, userIds: readonly string[]): void {
    const before = this.#find(connection, leaderboard);
    this.#follows.assertRoom(connection, userIds.length - (before?.userIds.length ?? 0));
    this.leave(connection, leaderboard);
    if (userIds.length > 0) this.#readSoon(this.#follows.add(connection, leaderboard, userIds));
  }

  leave(connection: Connection, leaderboard: string): void {
    const follow = this.#find(connection, leaderboard);
    if (follow !== undefined) this.#end(follow);
  }

  /** To be called when the socket has got its player. */
  welcome(connection: Connection): void {
    for (const follow of this.#follows.ofSocket(connection)) this.#readSoon(follow);
  }

  /** To be called when the socket has closed. */
  forget(connection: Connection): void {
    for (const follow of this.#follows.ofSocket(connection)) this.#end(follow);
  }

  /** Players whose score changed. */
  offer(leaderboard: string, states: readonly PlayerState[]): void {
    if (this.total === 0) return;
    for (const { userId } of states) {
      for (const follow of this.#follows.ofPlayer(leaderboard, userId)) this.#due.add(follow);
    }
    this.#schedule();
  }

  /** Lists whose ranks other players may have changed are read again. To be called at intervals. */
  refresh(): void {
    if (this.total === 0) return;
    const before = this.#options.monotonicMs() - FOLLOWED_STALE_MS;
    for (const follow of this.#follows.all()) if (follow.readAtMs < before) this.#due.add(follow);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #find(connection: Connection, leaderboard: string): Follow | undefined {
    return this.#follows.ofSocket(connection).find((follow) => follow.leaderboard === leaderboard);
  }

  #end(follow: Follow): void {
    this.#follows.end(follow);
    this.#due.delete(follow);
  }

  #readSoon(follow: Follow): void {
    this.#follows.noteOwn(follow);
    this.#due.add(follow);
    this.#schedule();
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
    const query = { leaderboard: first.leaderboard, userIds: [...new Set(follows.flatMap(askedBy))] };
    try {
      const answer = await this.#options.rank.listPlayers(query, { limitMs: POLL_DEADLINE_MS });
      for (const follow of follows) if (this.#follows.stands(follow)) this.#show(follow, answer);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'followed players not read from the rank service');
      for (const follow of follows) if (this.#follows.stands(follow)) this.#due.add(follow);
    }
  }

  /** A socket that does not keep up gets the list of a later refreshment. */
  #show(follow: Follow, { entries, stale }: ListPlayersResponse): void {
    const { connection, leaderboard } = follow;
    if (!connection.channels.some((channel) => channel.leaderboard === leaderboard)) {
      // The board gave way to another one.
      this.#end(follow);
      return;
    }
    const followed = new Set(follow.userIds);
    const players = entries.filter(({ userId }) => followed.has(userId)).map(toEntry);
    const own = entries.find(({ userId }) => userId === follow.ownId);
    const frame = playersFrame(leaderboard, players, stale);
    follow.readAtMs = this.#options.monotonicMs();
    if (frame.text !== follow.shown) {
      if (connection.behind !== undefined || !connection.send(frame)) return;
      follow.shown = frame.text;
    }
    tellOvertaken(follow, own && toEntry(own), players);
  }
}

/** Tells the socket of players who are above its own player now and were not before: below, or not on the board. */
function tellOvertaken(follow: Follow, own: Entry | undefined, players: readonly Entry[]): void {
  const before = follow.above;
  const above = own && players.filter(({ rank }) => rank < own.rank);
  follow.above = above && new Set(above.map(({ userId }) => userId));
  if (own === undefined || above === undefined || before === undefined) return;
  const by = above.filter(({ userId }) => !before.has(userId));
  if (by.length > 0) follow.connection.send(overtakenFrame(follow.leaderboard, own, by));
}

/** Takes lists of one board from the beginning, as many as one read can have. */
function takeTogether(due: Follow[]): Follow[] {
  const taken: Follow[] = [];
  const userIds = new Set<string>();
  const [first] = due;
  for (const follow of [...due]) {
    if (follow.leaderboard !== first?.leaderboard) continue;
    const more = askedBy(follow).filter((userId) => !userIds.has(userId));
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
