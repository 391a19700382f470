/** The options, callbacks and ports of a link to the scoreboard. */
import type { Board, BoardEntry, BoardSize, Overtaken, Standing } from './frames.js';
import type { Refusal } from './reconnect.js';
import type { OpenSocket } from './socket-port.js';

export type ConnectionStatus =
  /** The first connection is being opened. */
  | 'connecting'
  /** Connected, and the board is fresh. */
  | 'live'
  /** Connected, but the node can't confirm that the board is fresh. */
  | 'stale'
  /** The connection was lost and is being opened again. */
  | 'reconnecting'
  /** Reconnecting, and this device reports that it has no network. */
  | 'offline'
  /** The server refuses the origin, the path, the board or the client for good. The link does not try again. */
  | 'refused'
  /** Closed by this page. */
  | 'closed';

export interface ConnectionState {
  readonly status: ConnectionStatus;
  /** What was refused, in words; empty otherwise. */
  readonly reason: string;
}

/** Returns the player's token, or undefined to watch anonymously. `refused` is the token that the server just refused. */
export type TokenSource = (context: {
  readonly refused: string | undefined;
}) => string | undefined | Promise<string | undefined>;

export interface LinkOptions {
  /** Address of the fan-out node's `/live`: `ws:`, `wss:`, or relative to the page. */
  readonly url: string;
  /** The board to watch; `global` by default. */
  readonly leaderboard?: string | undefined;
  /** How many entries of the board to watch; 10 by default. */
  readonly size?: BoardSize | undefined;
  /** User ids of players to follow on the board, up to 200, while the link has a token. */
  readonly friends?: readonly string[] | undefined;
  /** The player's token, or a function that returns it and can return another one when it is refused. */
  readonly token?: TokenSource | string | undefined;
  /** Called with each newer board, and when `stale` changes. */
  readonly onBoard?: ((board: Board) => void) | undefined;
  /** Called with the signed-in player's own place, also outside the top ten. */
  readonly onPlayer?: ((standing: Standing) => void) | undefined;
  /** Called with the followed players who have a score on the board, best first, at the start and whenever they move. */
  readonly onFriends?: ((friends: readonly BoardEntry[]) => void) | undefined;
  /** Called when followed players pass the signed-in player. */
  readonly onOvertaken?: ((overtaken: Overtaken) => void) | undefined;
  readonly onState?: ((state: ConnectionState) => void) | undefined;
  /**
   * Called when the server refuses this link, its token or one of its messages, and when the token's source fails. After a
   * refusal for good the state is `refused`; otherwise the link stays in use.
   */
  readonly onError?: ((error: Refusal) => void) | undefined;
}

export interface NetworkPort {
  online(): boolean;
  /** Calls `wake` when the network returns or the page becomes visible. Returns a function that unsubscribes. */
  onWake(wake: () => void): () => void;
}

export interface LinkPorts {
  readonly open: OpenSocket;
  readonly network: NetworkPort;
  readonly random: () => number;
}
