/** Types of `/scoreboard-client.js`, for a project that imports the module from its address. */

export interface BoardEntry {
  readonly userId: string;
  readonly username: string;
  readonly score: number;
  /** 1-based. */
  readonly rank: number;
}

/** How many entries of a board a link watches. */
export type BoardSize = 3 | 10 | 50 | 100;

/** A whole board, best first. */
export interface Board {
  readonly leaderboardId: string;
  readonly entries: readonly BoardEntry[];
  readonly epoch: number;
  readonly seq: number;
  /** True while the node can't confirm that the board is fresh. */
  readonly stale: boolean;
}

/** The signed-in player's own place, also outside the top ten. */
export interface Standing {
  readonly userId: string;
  readonly score: number;
  /** 1-based; null if the server could not determine it in time. */
  readonly rank: number | null;
  readonly version: number;
  readonly epoch: number;
}

/** Friends are above the signed-in player now, and were not before. */
export interface Overtaken {
  readonly userId: string;
  /** The own rank now. */
  readonly rank: number;
  /** Best first. */
  readonly by: readonly BoardEntry[];
}

export type ConnectionStatus =
  | 'connecting'
  | 'live'
  | 'stale'
  | 'reconnecting'
  | 'offline'
  | 'refused'
  | 'closed';

export interface ConnectionState {
  readonly status: ConnectionStatus;
  /** What was refused, in words; empty otherwise. */
  readonly reason: string;
}

export interface Refusal {
  /** A stable word in UPPER_SNAKE. */
  readonly reason: string;
  readonly message: string;
}

/** Returns the player's token, or undefined to watch anonymously. `refused` is the token that the server just refused. */
export type TokenSource = (context: {
  readonly refused: string | undefined;
}) => string | undefined | Promise<string | undefined>;

export interface LinkOptions {
  /** Address of the fan-out's `/live`: `ws:`, `wss:`, or relative to the page. */
  readonly url: string;
  /** The board to watch; `global` by default. */
  readonly leaderboard?: string | undefined;
  /** How many entries of the board to watch; 10 by default. */
  readonly size?: BoardSize | undefined;
  /** User ids of players to follow on the board, up to 200, while the link has a token. */
  readonly friends?: readonly string[] | undefined;
  readonly token?: TokenSource | string | undefined;
  readonly onBoard?: ((board: Board) => void) | undefined;
  readonly onPlayer?: ((standing: Standing) => void) | undefined;
  /** Called with the followed players who have a score on the board, best first, at the start and whenever they move. */
  readonly onFriends?: ((friends: readonly BoardEntry[]) => void) | undefined;
  /** Called when followed players pass the signed-in player. */
  readonly onOvertaken?: ((overtaken: Overtaken) => void) | undefined;
  readonly onState?: ((state: ConnectionState) => void) | undefined;
  readonly onError?: ((error: Refusal) => void) | undefined;
}

export interface ScoreboardLink {
  readonly state: ConnectionState;
  /** The newest board; kept while reconnecting. */
  readonly board: Board | undefined;
  readonly standing: Standing | undefined;
  /** When the last frame arrived, in Unix milliseconds; for display only. */
  readonly lastHeardMs: number | undefined;
  /** Call when the token changed. */
  renewToken(): Promise<void>;
  close(): void;
}

/** Connects at once. Throws if `url` is no address. */
export declare function connectScoreboard(options: LinkOptions): ScoreboardLink;
