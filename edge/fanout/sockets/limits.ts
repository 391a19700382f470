/** Limits on sockets, upgrades and messages, and the times of draining, with the reason for each size. */
import type { Rate } from '../../../services/shared/rate/gcra.ts';

/**
 * Longest message from a client. An `authenticate` message carries a token of up to 8 KiB, and one that is longer gets its close
 * code; beyond this limit uWebSockets.js closes the socket without one.
 */
export const MESSAGE_MAX_BYTES = 16 * 1024;
/** Longest message without a token, in characters. */
export const PLAIN_MESSAGE_MAX_LENGTH = 4 * 1024;
/** Messages, pings and pongs of one socket. */
export const MESSAGES_PER_SOCKET: Rate = { perSecond: 10, burst: 20 };
/**
 * Messages, pings and pongs of all sockets of one address. It fits a thousand pages that reconnect at once, subscribe and
 * authenticate, and then send a message every few minutes.
 */
export const MESSAGES_PER_ADDRESS: Rate = { perSecond: 1_000, burst: 5_000 };
/** Invalid messages after which the socket is closed: the client has a bug that further errors do not fix. */
export const BAD_MESSAGES_ALLOWED = 5;

/**
 * What one address may use of MAX_UPGRADES_PER_S: a twentieth of the rate and a quarter of the burst. An office of a thousand is back within
 * six seconds. Twenty addresses can ask for the whole rate of a node; what more of them get is shared (upgrade-turns.ts).
 */
export const ADDRESS_PART_OF_UPGRADES = { ofRate: 1 / 20, ofBurst: 1 / 4 } as const;
/** Connections that one address may open for each upgrade it may request. The surplus gets an answer with a retry time. */
export const CONNECTIONS_PER_UPGRADE = 2;
/** Connections beyond the sockets of a node: pending handshakes, health checks and refusals. */
export const SPARE_CONNECTIONS = 500;
/** Retry time in the refusal of an upgrade. */
export const UPGRADE_RETRY_S = 1;

/** A socket without traffic is closed after this time. The server sends pings before that. */
export const IDLE_TIMEOUT_S = 60;
/** Resolution of the check for expired tokens, which a node makes at each freshness check (feed/limits.ts). */
export const EXPIRY_CHECK_MS = 250;

/** Draining closes its sockets over this time, so that the remaining nodes do not get all of them at once. */
export const DRAIN_SPREAD_MS = 2_000;
export const DRAIN_STEP_MS = 50;
/** Pause for the last close frames to be sent before connections are cut. */
export const DRAIN_GRACE_MS = 250;
/** Sockets per second that are asked to reconnect when a whole node stops. */
export const DRAIN_RETURN_PER_S = 2_000;
export const DRAIN_RETURN_MIN_MS = 1_000;
