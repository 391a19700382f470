/**
 * Keeps every watched board fresh, or says that it is not. A board is vouched for by the feed, once it has been read
 * since the feed was opened, or by a poll that the rank service answered. When nobody vouches for it, it is stale.
 *
 * A healthy feed can't tell that the rank service is away, or has lost its database. One board, the sentinel, is polled often for
 * that: while it comes back as stale, or not at all, every board is stale. And an event says when its board is behind, because
 * the score service could not reach the rank service.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { NO_ANSWER } from '../../../services/shared/stores/dependencies.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { FanoutMetrics } from '../fanout-metrics.ts';
import { type Board, isNewer } from '../hub/board-state.ts';
import type { Channel } from '../hub/channel.ts';
import type { Hub } from '../hub/hub.ts';
import {
  FRESHNESS_CHECK_MS,
  POLL_FAST_MS,
  POLL_SENTINEL_MS,
  POLL_SLOW_MS,
  POLLS_IN_FLIGHT,
  STALE_AFTER_MS,
} from '../limits.ts';
import type { BoardSource } from './board-source.ts';
import type { Feed } from './feed.ts';

export interface FreshnessOptions {
  hub: Pick<Hub, 'channels' | 'find' | 'offerBoard' | 'setStale' | 'refuse'>;
  source: BoardSource;
  feed: Pick<Feed, 'session' | 'healthy' | 'vouchedAtMs'>;
  /** The leaderboard that speaks for the rank service. It is watched at all times. */
  sentinel: string;
  log: Log;
  metrics: FanoutMetrics;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export interface Freshness {
  /** Judges every board and sends the polls that are due. */
  check(): void;
  /** Reads a board that is not known yet. */
  open(channel: Channel): void;
  /** The feed was opened or lost: every board is read again, now. */
  onFeedChanged(): void;
  /** An event of this board was read. While events say that it is behind, it is stale. */
  onEvent(leaderboard: string, boardBehind: boolean): void;
  /** Why the rank service does not serve us; undefined while it has answered lately. */
  sourceTrouble(): string | undefined;
  stop(): void;
}

interface Watch {
  polling: boolean;
  pollAtMs: number;
  /** When the last answered poll was sent. */
  polledAtMs: number;
  /** The feed session since which nothing can have been missed. */
  session: number;
  /** The feed session whose last event said that the board is behind; 0 when it is not. */
  behindSession: number;
  sourceStale: boolean;
  /** A board that the last poll knew before a healthy feed did. */
  ahead: Board | undefined;
}

/**
 * Whether a board stands in the order of boards. While the index can't be asked, the rank service reads from the database what may be
 * ahead of boards that come later with a greater seq: such a reading has none.
 */
function hasPlace({ seq, entries }: Board): boolean {
  return seq > 0 || entries.length === 0;
}

export function createFreshness(options: FreshnessOptions): Freshness {
  const { hub, source, feed, sentinel, log, metrics, monotonicMs } = options;
  const watches = new WeakMap<Channel, Watch>();
  /** Boards whose poll is due and waits for one of the places, in order of waiting: many boards delay each other alike. */
  const waiting = new Set<Channel>();
  let polls = 0;
  /** By the sentinel's last answer, the rank service can vouch for no board. */
  let serviceStale = false;
  /** When the sentinel's last answered poll was sent. */
  let sentinelAtMs = -Infinity;
  const timer = setInterval(check, FRESHNESS_CHECK_MS);

  function watchOf(channel: Channel): Watch {
    const known = watches.get(channel);
    if (known !== undefined) return known;
    const watch: Watch = {
      ...{ polling: false, pollAtMs: 0, polledAtMs: -Infinity },
      ...{ session: 0, behindSession: 0, sourceStale: false, ahead: undefined },
    };
    watches.set(channel, watch);
    return watch;
  }

  function isStale(watch: Watch, nowMs: number): boolean {
    const byFeed = feed.session > 0 && watch.session === feed.session ? feed.vouchedAtMs() : -Infinity;
    if (serviceStale || nowMs - sentinelAtMs > STALE_AFTER_MS) return true;
    if (watch.behindSession > 0 && watch.behindSession === feed.session) return true;
    return watch.sourceStale || nowMs - Math.max(byFeed, watch.polledAtMs) > STALE_AFTER_MS;
  }

  /**
   * A poll may overtake the event that makes it needless, and unlike the event it can't say whose score changed the board. So a
   * healthy feed has until the next poll to bring what this one found: true when that is awaited.
   */
  function leaveToFeed(channel: Channel, watch: Watch, board: Board): boolean {
    const isOverdue = watch.ahead !== undefined && isNewer(watch.ahead, channel.newest);
    watch.ahead = isNewer(board, channel.newest) ? board : undefined;
    const feedIsTrusted = channel.newest !== undefined && feed.healthy && watch.session === feed.session;
    return watch.ahead !== undefined && feedIsTrusted && !isOverdue;
  }

  function check(): void {
    for (const channel of waiting) if (!channel.isOpen) waiting.delete(channel);
    for (const channel of hub.channels()) queueWhenDue(channel);
    sendPolls();
    tell();
  }

  function queueWhenDue(channel: Channel): void {
    const watch = watchOf(channel);
    if (watch.polling || monotonicMs() < watch.pollAtMs) return;
    // The board that speaks for all waits for no other.
    if (channel.leaderboard === sentinel) void poll(channel, watch);
    else waiting.add(channel);
  }

  function sendPolls(): void {
    for (const channel of waiting) {
      if (polls >= POLLS_IN_FLIGHT) return;
      waiting.delete(channel);
      if (channel.isOpen) void poll(channel, watchOf(channel));
    }
  }

  function tell(): void {
    const nowMs = monotonicMs();
    for (const channel of hub.channels()) hub.setStale(channel, isStale(watchOf(channel), nowMs));
  }

  async function poll(channel: Channel, watch: Watch): Promise<void> {
    const sentAtMs = monotonicMs();
    const { session } = feed;
    watch.polling = true;
    polls += 1;
    const isSentinel = channel.leaderboard === sentinel;
    let pauseMs = isSentinel ? POLL_SENTINEL_MS : POLL_FAST_MS;
    try {
      const { board, stale } = await source.read(channel.leaderboard);
      const wasKnown = channel.newest !== undefined;
      const isPlaced = hasPlace(board);
      const isLeft = isPlaced && leaveToFeed(channel, watch, board);
      const isNews = isPlaced && !isLeft && hub.offerBoard(board) && wasKnown;
      watch.polledAtMs = sentAtMs;
      watch.sourceStale = stale;
      if (isSentinel) onSentinel(stale, sentAtMs);
      if (feed.healthy) watch.session = session;
      // A poll that knew more than a healthy feed says that the feed lags: look again soon.
      if (feed.healthy && !stale && !isNews && !isLeft && !isSentinel) pauseMs = POLL_SLOW_MS;
      metrics.resyncs.inc({ outcome: isNews ? 'newer' : 'same' });
    } catch (error) {
      metrics.resyncs.inc({ outcome: 'failed' });
      onPollFailed(channel, error);
    } finally {
      polls -= 1;
      watch.polling = false;
      // When the feed changed meanwhile, this answer may be from before: read again at once.
      watch.pollAtMs = session === feed.session ? sentAtMs + pauseMs : 0;
    }
    hub.setStale(channel, isStale(watch, monotonicMs()));
    sendPolls();
  }

  function onSentinel(stale: boolean, sentAtMs: number): void {
    sentinelAtMs = sentAtMs;
    if (serviceStale === stale) return;
    serviceStale = stale;
    tell();
  }

  function onPollFailed(channel: Channel, error: unknown): void {
    const isRefusal = error instanceof AppError && ['invalid_argument', 'not_found'].includes(error.kind);
    if (isRefusal) hub.refuse(channel, error);
    else log.debug({ err: error, leaderboard: channel.leaderboard }, 'a board could not be read');
  }

  return {
    check,
    open(channel) {
      queueWhenDue(channel);
      sendPolls();
    },
    onFeedChanged() {
      for (const channel of hub.channels()) watchOf(channel).pollAtMs = 0;
      check();
    },
    onEvent(leaderboard, boardBehind) {
      const channel = hub.find(leaderboard);
      if (channel === undefined) return;
      const watch = watchOf(channel);
      watch.behindSession = boardBehind ? feed.session : 0;
      hub.setStale(channel, isStale(watch, monotonicMs()));
    },
    sourceTrouble: () => (monotonicMs() - sentinelAtMs > STALE_AFTER_MS ? NO_ANSWER : undefined),
    stop: () => clearInterval(timer),
  };
}
