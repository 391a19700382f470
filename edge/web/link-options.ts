/** What a link to the scoreboard is told, what it tells, and the ports through which it meets the world. */
import type { Board, Standing } from './frames.js';
import type { OpenSocket } from './socket-port.js';

export type ConnectionStatus =
  /** The first connection is being made. */
  | 'connecting'
  /** Connected, and the node vouches for the board. */
  | 'live'
  /** Connected, but the node can't vouch for the board. */
  | 'stale'
  /** The connection was lost and is being made anew. */
  | 'reconnecting'
  /** As reconnecting, and this device says it has no network. */
  | 'offline'
  /** Over: closed here, or refused by the server. */
  | 'closed';

export interface ConnectionState {
  readonly status: ConnectionStatus;
  /** Why it is closed, in the server's words; empty otherwise. */
  readonly reason: string;
}

/** Gives the player's token, or undefined to watch as a stranger. `refused` is the token that the server just refused. */
export type TokenSource = (context: {
  readonly refused: string | undefined;
}) => string | undefined | Promise<string | undefined>;

export interface LinkOptions {
  /** `ws:` or `wss:` address of the fan-out node's `/live`. */
  readonly url: string;
  /** The board to watch; `global` when left out. */
  readonly leaderboard?: string | undefined;
  readonly token?: TokenSource | undefined;
  /** A board newer than the one before, or the same one with another `stale`. */
  readonly onBoard?: ((board: Board) => void) | undefined;
  /** The signed-in player's own place, also outside the top ten. */
  readonly onPlayer?: ((standing: Standing) => void) | undefined;
  readonly onState?: ((state: ConnectionState) => void) | undefined;
  /** The server answered a message of ours with an error; the link goes on. */
  readonly onError?: ((error: { readonly reason: string; readonly message: string }) => void) | undefined;
}

export interface NetworkPort {
  online(): boolean;
  /** Calls back when the network or the page comes back to life; returns the unsubscriber. */
  onWake(wake: () => void): () => void;
}

export interface LinkPorts {
  readonly open: OpenSocket;
  readonly network: NetworkPort;
  readonly random: () => number;
}
