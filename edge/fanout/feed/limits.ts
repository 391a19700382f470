/** Time limits of the feed and of polls, with the reason for each size. */

/** A board becomes stale when neither the feed nor a poll has confirmed it for this long. */
export const STALE_AFTER_MS = 1_750;
/** Interval of the freshness check. With STALE_AFTER_MS it makes clients see `stale` within 2 s. */
export const FRESHNESS_CHECK_MS = 250;
/** Interval between polls of a board while the feed is down, or after a poll that was ahead of the feed. */
export const POLL_FAST_MS = 1_000;
/** Interval between polls of a board while the feed is healthy. An event that the feed lost is repaired within 5 s. */
export const POLL_SLOW_MS = 4_000;
/**
 * Interval between polls of the sentinel board, which show that the rank service or its database is down while the feed is
 * healthy. Shorter than FRESHNESS_CHECK_MS, so that each check sends one.
 */
export const POLL_SENTINEL_MS = 200;
/**
 * The same when the last answer was fresh and said when Postgres confirmed it: each second check sends one. A confirmation is
 * then at most half a second of rank's keeper and this older than STALE_AFTER_MS allows for.
 */
export const POLL_CONFIRMED_SENTINEL_MS = 450;
/** Polls in flight at once. */
export const POLLS_IN_FLIGHT = 16;
export const POLL_DEADLINE_MS = 1_000;
/** Players whose standing one call reads: as many as a `GetPlaces` takes. */
export const STANDINGS_PER_READ = 100;
/** Pause after a standing that could not be read: shorter than a viewer notices, and few calls while rank is down. */
export const STANDING_RETRY_MS = 500;

/** Players that one read takes together: as many as a `ListPlayers` takes. */
export const PLAYERS_PER_READ = 250;
/** Pause between two rounds of reads: how often a list is read while its players move all the time. */
export const FOLLOWED_ROUND_MS = 250;
/** Reads of a round, one after another. With 250 players each, 20 a second keep Redis busy for a fortieth of its time. */
export const FOLLOWED_READS_PER_ROUND = 5;
/** A list of this age is read again, since others may have passed its players. */
export const FOLLOWED_STALE_MS = 5_000;

/** Interval of JetStream's heartbeats on an idle feed. Two missed heartbeats end the session. */
export const FEED_HEARTBEAT_MS = 500;
/** Length of one pull request. */
export const FEED_PULL_EXPIRES_MS = 10_000;
/** Events in flight from JetStream at once. */
export const FEED_PULL_MESSAGES = 500;
/** Deadline of one call to the JetStream API. */
export const FEED_CALL_DEADLINE_MS = 2_000;
/** Pause between two attempts to open the feed. */
export const FEED_RETRY_MS = 250;
/** Attempts without a connection after which NATS counts as down. A hung server cuts its connections for less than that. */
export const FEED_RETRIES_UNTIL_GONE = 12;
/** Most events that are read again after an interruption. Polls repair what is older. */
export const FEED_MAX_REPLAY = 10_000;
/** JetStream deletes a consumer that has been inactive for this long. */
export const FEED_CONSUMER_LINGER_MS = 30_000;
