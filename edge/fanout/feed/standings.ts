/**
 * Reads the place of a player whose socket has just signed in or joined a board, so that the player's own standing arrives without
 * a score. Reads are batched, with one call in flight. A place that cannot be read is asked for again while the socket is open.
 */
import type { GetPlacesResponse_Outcome, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Channel } from '../hub/channel.ts';
import type { Connection } from '../hub/connection.ts';
import type { Personal } from '../hub/personal.ts';
import { POLL_DEADLINE_MS, STANDING_RETRY_MS, STANDINGS_PER_READ } from './limits.ts';
import { exactNumber } from './score-event.ts';

interface Due {
  readonly connection: Connection;
  readonly channel: Channel;
  readonly userId: string;
  /** The flushes before it was asked for: a later one may bring the standing first. */
  readonly askedIn: number;
}

export interface StandingsOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'getPlaces'>;
  personal: Pick<Personal, 'welcome' | 'flushes'>;
  log: Log;
}

export class Standings {
  readonly #options: StandingsOptions;
  /** Bounded by the open sockets with a player, each with the boards that it may watch. */
  readonly #due = new Map<Connection, Map<Channel, number>>();
  #reading = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(options: StandingsOptions) {
    this.#options = options;
  }

  /** Sends the player's standing on these boards to the socket soon. Does nothing for a socket without a player. */
  welcome(connection: Connection, channels: readonly Channel[] = connection.channels): void {
    for (const channel of channels) this.#add(connection, channel, this.#options.personal.flushes);
    void this.#read();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #add(connection: Connection, channel: Channel, askedIn: number): void {
    if (connection.identity === undefined || !connection.channels.includes(channel)) return;
    const due = this.#due.get(connection) ?? new Map<Channel, number>();
    for (const each of due.keys()) if (!connection.channels.includes(each)) due.delete(each);
    due.set(channel, due.get(channel) ?? askedIn);
    this.#due.set(connection, due);
  }

  #take(): Due[] {
    const batch: Due[] = [];
    for (const [connection, channels] of this.#due) {
      if (batch.length + channels.size > STANDINGS_PER_READ) break;
      this.#due.delete(connection);
      const { identity } = connection;
      if (identity === undefined) continue;
      const { userId } = identity;
      for (const [channel, askedIn] of channels) {
        if (connection.channels.includes(channel)) batch.push({ connection, channel, userId, askedIn });
      }
    }
    return batch;
  }

  async #read(): Promise<void> {
    if (this.#reading || this.#stopped || this.#timer !== undefined) return;
    this.#reading = true;
    let failed: readonly Due[] = [];
    while (this.#due.size > 0 && failed.length === 0) failed = await this.#readBatch(this.#take());
    this.#reading = false;
    if (failed.length > 0) this.#retry(failed);
  }

  #retry(failed: readonly Due[]): void {
    for (const { connection, channel, askedIn } of failed) this.#add(connection, channel, askedIn);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#read();
    }, STANDING_RETRY_MS);
  }

  /** Returns those that have to be asked for again. */
  async #readBatch(batch: readonly Due[]): Promise<readonly Due[]> {
    if (batch.length === 0) return batch;
    const queries = batch.map(({ channel, userId }) => ({ leaderboard: channel.leaderboard, userId }));
    try {
      const { outcomes } = await this.#options.rank.getPlaces({ queries }, { limitMs: POLL_DEADLINE_MS });
      return batch.filter((due, index) => !this.#settle(due, outcomes[index]?.result));
    } catch (error) {
      this.#options.log.debug({ err: error }, 'standings not read from the rank service');
      return batch;
    }
  }

  /** Returns whether the query is settled. The first board of a new channel may still be on its way. */
  #settle(
    { connection, channel, userId, askedIn }: Due,
    result?: GetPlacesResponse_Outcome['result'],
  ): boolean {
    if (result?.case === 'refused') return result.value.reason === 'PLAYER_NOT_FOUND';
    if (result?.case !== 'place' || result.value.entry === undefined) return true;
    if (channel.published === undefined) return false;
    const { entry, version } = result.value;
    const state = {
      userId,
      score: exactNumber(entry.score),
      rank: entry.rank === 0n ? undefined : exactNumber(entry.rank),
      version: exactNumber(version),
    };
    this.#options.personal.welcome(connection, channel, state, askedIn);
    return true;
  }
}
