/** Every limit that a client of a fan-out node can meet, and every wait inside it, in one place with the reason for its size. */

import type { Rate } from '../../services/shared/rate/gcra.ts';

/** Leaderboards one socket may watch: a page shows one or two. */
export const BOARDS_PER_SOCKET = 10;
/** Leaderboards one node may watch; each costs a poll now and then. */
export const BOARDS_PER_NODE = 1_000;
/** Leaderboards that the sockets of one address may watch together, the default one aside: a tenth of the node's. */
export const BOARDS_PER_ADDRESS = BOARDS_PER_NODE / 10;
/** Leaderboards new to the node that one address may ask for; each is a read of the rank service. All of its own at once, twice. */
export const BOARD_OPENINGS_PER_ADDRESS: Rate = { perSecond: 10, burst: 2 * BOARDS_PER_ADDRESS };
/** Sockets of one player, over all devices and tabs. */
export const SOCKETS_PER_PLAYER = 50;
/** Boards of which a node remembers one player's newest state. */
export const BOARDS_PER_PLAYER = 100;

/** Longest message a client may send: an `authenticate` message carries a token of about 1 KiB. */
export const MESSAGE_MAX_BYTES = 4 * 1024;
/** Messages, pings and pongs a socket may send: one each interval, and this many at once. */
export const MESSAGE_INTERVAL_MS = 100;
export const MESSAGE_BURST = 20;
/**
 * The same for all sockets of one address together: a thousand pages that come back at once ask and show a token, and then say
 * something every few minutes.
 */
export const MESSAGES_PER_ADDRESS: Rate = { perSecond: 1_000, burst: 5_000 };
/** Bad messages before the socket is closed: a client that is wrong this often will not get better. */
export const BAD_MESSAGES_ALLOWED = 5;

/**
 * New sockets a second, and at once, that a node takes unless told otherwise: half of a core while it lasts, so that a
 * storm of reconnects does not starve those who are in, and ten thousand are back within some seven seconds.
 */
export const UPGRADES_PER_S = 2_000;
/**
 * What one address may use of these: a twentieth of the rate, and a quarter at once. An office of a thousand is back in six
 * seconds, and it takes twenty addresses to use up a node's rate.
 */
export const ADDRESS_PART_OF_UPGRADES = { ofRate: 1 / 20, ofBurst: 1 / 4 } as const;
/** Connections that one address may open, for each upgrade that it may ask for: those beyond are told when to come back. */
export const CONNECTIONS_PER_UPGRADE = 2;
/** Connections beyond the sockets of a node: handshakes under way, health checks and refusals. */
export const SPARE_CONNECTIONS = 500;
/** When a refused client should come back. */
export const UPGRADE_RETRY_S = 1;

/** A socket without traffic is closed after this; the server pings before it comes to that. */
export const IDLE_TIMEOUT_S = 60;
/** What we buffer for one socket beyond the kernel's own buffer. Above it frames are dropped: newest state wins. */
export const MAX_BACKPRESSURE_BYTES = 64 * 1024;
/** Above this a socket gets no frame of its own (personal, snapshot, answer), so that what is dropped is only ever broadcast. */
export const DIRECT_SEND_MAX_BUFFERED_BYTES = MAX_BACKPRESSURE_BYTES / 2;

/** Longest pause between two ticks, however slow publishing has become. */
export const MAX_TICK_MS = 1_000;

/** A board is stale when nothing has vouched for it for this long. */
export const STALE_AFTER_MS = 1_750;
/** How often freshness is judged and due polls are sent: stale is told within 2 s. */
export const FRESHNESS_CHECK_MS = 250;
/** Between polls of a board while the feed is away, or when a poll knew more than the feed. */
export const POLL_FAST_MS = 1_000;
/** Between polls of a board while the feed is healthy: repairs whatever the feed could lose, within 5 s all told. */
export const POLL_SLOW_MS = 4_000;
/**
 * Between polls of the board that speaks for the rank service: one look a node at what would make every board old, its
 * database away for example, while the feed is healthy. Less than a check apart, so that each check sends one.
 */
export const POLL_SENTINEL_MS = 200;
/** Polls under way at once. */
export const POLLS_IN_FLIGHT = 16;
export const POLL_DEADLINE_MS = 1_000;

/** How often JetStream tells a quiet feed that it is still there; two missed ones end the feed's session. */
export const FEED_HEARTBEAT_MS = 500;
/** Length of one pull request. */
export const FEED_PULL_EXPIRES_MS = 10_000;
/** Events under way from JetStream at once. */
export const FEED_PULL_MESSAGES = 500;
/** Limit of one call to JetStream's interface. */
export const FEED_CALL_DEADLINE_MS = 2_000;
/** Between two attempts to open the feed. */
export const FEED_RETRY_MS = 250;
/** Attempts without a connection after which NATS counts as gone: a hung server cuts its connections for less than that. */
export const FEED_RETRIES_UNTIL_GONE = 12;
/** Most events that are read again after an interruption; what is older is repaired by polling. */
export const FEED_MAX_REPLAY = 10_000;
/** JetStream forgets our consumer when we have been away for this long. */
export const FEED_CONSUMER_LINGER_MS = 30_000;

/** Between looks at which tokens have expired; a socket outlives its token by no more than this. */
export const EXPIRY_CHECK_MS = 250;

/** Draining closes its sockets over this time, so that the nodes that take over are not hit at once. */
export const DRAIN_SPREAD_MS = 2_000;
export const DRAIN_STEP_MS = 50;
/** Lets the last close frames leave before the connections are cut. */
export const DRAIN_GRACE_MS = 250;
/** Sockets a second that we ask to come back, when a whole node goes away. */
export const DRAIN_RETURN_PER_S = 2_000;
export const DRAIN_RETURN_MIN_MS = 1_000;
