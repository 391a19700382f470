/**
 * Keeps every watched board fresh, or marks it stale. Two sources confirm a board: the feed, once the board was read in the
 * current session of the feed, and a poll that the rank service answered. A board that neither confirms is stale.
 *
 * A healthy feed does not show that the rank service is down or has lost its database. One board, the sentinel, is polled often
 * for that: while its answer is stale or missing, every board is stale. An event says that its board is behind if the score
 * service could not reach the rank service.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { NO_ANSWER } from '../../../services/shared/stores/dependencies.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import { isAfter } from '../../../services/shared/values/position.ts';
import { isInEvents } from '../frames/board-size.ts';
import type { Board } from '../frames/board-state.ts';
import type { Channel } from '../hub/channel.ts';
import type { Hub } from '../hub/hub.ts';
import type { FanoutMetrics } from '../metrics/fanout-metrics.ts';
import type { BoardSource } from './board-source.ts';
import { Confirmation, createWatch, type Watch } from './confirmation.ts';
import {
  FRESHNESS_CHECK_MS,
  POLL_CONFIRMED_SENTINEL_MS,
  POLL_FAST_MS,
  POLL_SENTINEL_MS,
  POLL_SLOW_MS,
} from './limits.ts';
import { PollQueue } from './poll-queue.ts';

export interface FreshnessOptions {
  hub: Pick<Hub, 'channels' | 'sizesOf' | 'offerBoard' | 'setStale' | 'refuse'>;
  source: BoardSource;
  /** The leaderboard whose polls show the state of the rank service. It is always watched. */
  sentinel: string;
  log: Log;
  metrics: Pick<FanoutMetrics, 'resyncs'>;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export class Freshness {
  readonly #options: FreshnessOptions;
  readonly #watches = new WeakMap<Channel, Watch>();
  readonly #queue = new PollQueue((channel) => this.#poll(channel));
  readonly #confirmation: Confirmation;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(options: FreshnessOptions) {
    this.#options = options;
    this.#confirmation = new Confirmation(options.monotonicMs);
  }

  /** Each check is followed by the node's other upkeep, so that a node at rest wakes once for both. */
  start(upkeep: () => void = () => {}): void {
    this.#timer = setInterval(() => {
      this.#check();
      upkeep();
    }, FRESHNESS_CHECK_MS);
    this.#check();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads a board that is not known yet. */
  open(channel: Channel): void {
    this.#queueIfDue(channel);
    this.#queue.send();
  }

  /** The feed delivers every event from now on. Every board is read again, since events before that may be missing. */
  onFeedOpened(): void {
    this.#confirmation.onFeedOpened();
    this.#readAll();
  }

  /** Events may be missing from this time on. */
  onFeedLost(sinceMs: number): void {
    this.#confirmation.onFeedLost(sinceMs);
    this.#readAll();
  }

  /** An event of this board was read. While its last event says that it is behind, the board is stale. */
  onEvent(leaderboard: string, boardBehind: boolean): void {
    for (const channel of this.#options.hub.sizesOf(leaderboard)) {
      const watch = this.#watchOf(channel);
      watch.behindIn = boardBehind ? this.#confirmation.session : undefined;
      // The next check reads it, so that a board that changes all the time is read four times a second.
      if (!isInEvents(channel.size)) watch.isOverdue = true;
      this.#judge(channel);
    }
  }

  /** Why the rank service is not available; undefined while its last answer is recent. */
  sourceTrouble(): string | undefined {
    return this.#confirmation.isSentinelSilent() ? NO_ANSWER : undefined;
  }

  #watchOf(channel: Channel): Watch {
    const known = this.#watches.get(channel);
    if (known !== undefined) return known;
    const watch = createWatch();
    this.#watches.set(channel, watch);
    return watch;
  }

  #readAll(): void {
    for (const channel of this.#options.hub.channels()) this.#watchOf(channel).pollAtMs = 0;
    this.#check();
  }

  #check(): void {
    this.#queue.prune();
    for (const channel of this.#options.hub.channels()) this.#queueIfDue(channel);
    this.#queue.send();
    this.#judgeAll();
  }

  #queueIfDue(channel: Channel): void {
    const { sentinel, monotonicMs } = this.#options;
    const watch = this.#watchOf(channel);
    const isDue = watch.isOverdue || monotonicMs() >= watch.pollAtMs;
    if (this.#queue.isPolling(channel) || !isDue) return;
    if (channel.key === sentinel) this.#queue.sendAtOnce(channel);
    else this.#queue.add(channel);
  }

  #judgeAll(): void {
    for (const channel of this.#options.hub.channels()) this.#judge(channel);
  }

  #judge(channel: Channel): void {
    this.#options.hub.setStale(channel, this.#confirmation.isStale(this.#watchOf(channel)));
  }

  async #poll(channel: Channel): Promise<void> {
    const { source, sentinel, metrics, monotonicMs } = this.#options;
    const confirmation = this.#confirmation;
    const watch = this.#watchOf(channel);
    const sentAtMs = monotonicMs();
    const { session } = confirmation;
    const isSentinel = channel.key === sentinel;
    watch.isOverdue = false;
    let pauseMs = isSentinel ? POLL_SENTINEL_MS : POLL_FAST_MS;
    try {
      const { board, stale, confirmedMs } = await source.read(channel);
      const news = this.#offer(channel, watch, board);
      watch.polledAtMs = sentAtMs;
      watch.sourceStale = stale;
      if (isSentinel) {
        if (confirmation.onSentinel(stale, sentAtMs, sentAtMs - (confirmedMs ?? 0))) this.#judgeAll();
        if (!stale && confirmedMs !== undefined) pauseMs = POLL_CONFIRMED_SENTINEL_MS;
      }
      if (confirmation.isFeedHealthy) watch.readIn = session;
      // A poll that was ahead of a healthy feed shows that the feed lags, so the next poll is soon.
      if (confirmation.isFeedHealthy && !stale && news === 'none' && !isSentinel) pauseMs = POLL_SLOW_MS;
      metrics.resyncs.inc({ outcome: news === 'shown' ? 'newer' : 'same' });
    } catch (error) {
      metrics.resyncs.inc({ outcome: 'failed' });
      this.#onPollFailed(channel, error);
    } finally {
      // If a session began meanwhile, this answer may be older than its first event: the board is read again at once.
      watch.pollAtMs = session === confirmation.session ? sentAtMs + pauseMs : 0;
    }
    this.#judge(channel);
  }

  /** Shows the board of a poll, unless it is left to the feed. Says whether it was news. */
  #offer(channel: Channel, watch: Watch, board: Board | undefined): 'none' | 'left to the feed' | 'shown' {
    if (board === undefined) return 'none';
    if (this.#isLeftToFeed(channel, watch, board)) return 'left to the feed';
    const isFirst = channel.newest === undefined;
    return this.#options.hub.offerBoard(board) && !isFirst ? 'shown' : 'none';
  }

  /**
   * A poll often overtakes the event of the same change, and unlike the event it does not know whose score changed the board. So a
   * healthy feed has until the next poll to deliver what this one found.
   */
  #isLeftToFeed(channel: Channel, watch: Watch, board: Board): boolean {
    if (!isInEvents(channel.size)) return false;
    const isOverdue = isAfter(watch.ahead, channel.newest);
    watch.ahead = isAfter(board, channel.newest) ? board : undefined;
    const { isFeedHealthy } = this.#confirmation;
    const isFollowed = channel.newest !== undefined && isFeedHealthy && this.#confirmation.isComplete(watch);
    return watch.ahead !== undefined && isFollowed && !isOverdue;
  }

  #onPollFailed(channel: Channel, error: unknown): void {
    const { hub, log } = this.#options;
    const isRefusal = error instanceof AppError && ['invalid_argument', 'not_found'].includes(error.kind);
    if (isRefusal) hub.refuse(channel, error);
    else log.debug({ err: error, leaderboard: channel.leaderboard }, 'board not read from the rank service');
  }
}
