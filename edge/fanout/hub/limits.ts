/** Limits on boards, players and frames, with the reason for each size. */
import type { Rate } from '../../../services/shared/rate/gcra.ts';

/** Leaderboards that one socket may watch. A page shows one or two. */
export const BOARDS_PER_SOCKET = 10;
/** Leaderboards that one node watches. Each costs memory and a regular poll. */
export const BOARDS_PER_NODE = 1_000;
/** Leaderboards that all sockets of one address may watch together, without the default one: a tenth of the node's. */
export const BOARDS_PER_ADDRESS = BOARDS_PER_NODE / 10;
/**
 * Leaderboards new to the node that one address may open. Each is a read of the rank service. The burst allows all boards of an
 * address to be opened twice at once.
 */
export const BOARD_OPENINGS_PER_ADDRESS: Rate = { perSecond: 10, burst: 2 * BOARDS_PER_ADDRESS };
/** Sockets of one player, over all devices and tabs. */
export const SOCKETS_PER_PLAYER = 50;
/** Boards for which a node remembers the newest state of one player. */
export const BOARDS_PER_PLAYER = 100;

/** Players whom one socket may follow, over all boards: one read of the rank service has room for them and the own player, so that a list is of one moment. */
export const FOLLOWED_PER_SOCKET = 200;
/** Players whom all sockets of a node may follow, each counted for each socket: some 20 MB. */
export const FOLLOWED_PER_NODE = 100_000;
/** The same for the sockets of one address: twenty that follow as many as they may. */
export const FOLLOWED_PER_ADDRESS = 20 * FOLLOWED_PER_SOCKET;

/** Data buffered for one socket beyond the kernel's buffer. Above it frames are dropped: newest state wins. */
export const MAX_BACKPRESSURE_BYTES = 64 * 1024;
/**
 * Above this a socket is sent no frame of its own (personal, snapshot, answer). The other half of the buffer is left to
 * broadcasts, so only broadcasts are ever dropped.
 */
export const DIRECT_SEND_MAX_BUFFERED_BYTES = MAX_BACKPRESSURE_BYTES / 2;

/** Longest interval between two ticks, however slow publishing has become. */
export const MAX_TICK_MS = 1_000;
