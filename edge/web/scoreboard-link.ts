/**
 * A viewer's link to the scoreboard: it connects, keeps the newest board, notices a dead peer and comes back, resuming
 * from the position it holds. It promises that boards only ever move forward and that the state it reports is true. It
 * never gives up, unless the server says that coming back is pointless. Time, chance, network and socket are ports.
 */
import { type Board, DEFAULT_LEADERBOARD, type Frame, parseFrame, type Standing } from './frames.js';
import type { ConnectionState, ConnectionStatus, LinkOptions, LinkPorts } from './link-options.js';
import { markFreshness, takeBoard, takeStanding } from './newest-board.js';
import { afterClose, backoffMs } from './reconnect.js';
import type { SocketPort } from './socket-port.js';

/** Silence after which the link is probed: under the 30 s that many proxies allow. */
export const PING_AFTER_MS = 25_000;
/** How long the answer to a probe may take. */
export const PONG_LIMIT_MS = 5_000;
/** Longest wait for a connection to open, or for the first frame on it. */
export const OPEN_LIMIT_MS = 10_000;
/** A connection that lasted this long was a good one: the next failure starts the backoff anew. */
export const SETTLED_AFTER_MS = 5_000;
/** `offline` is a hint that can be wrong (a server on this machine is reachable), so it only slows the retries. */
export const OFFLINE_RETRY_MS = 30_000;

const SUBPROTOCOL = 'scoreboard.v1';
/** What may stand in a subprotocol; a browser throws on anything else. */
const TOKEN = /^[A-Za-z0-9._~-]+$/;

export class ScoreboardLink {
  readonly #options: LinkOptions;
  readonly #ports: LinkPorts;
  readonly #leaderboard: string;
  readonly #stopListening: () => void;
  #state: ConnectionState = { status: 'connecting', reason: '' };
  #board: Board | undefined;
  #standing: Standing | undefined;
  #lastHeardMs: number | undefined;
  #socket: SocketPort | undefined;
  /** Counts connections, so that an answer that was waited for can be seen to come too late. */
  #generation = 0;
  #attempt = 0;
  #token: string | undefined;
  #refused: string | undefined;
  #receiving = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Guards opening, silence and probes: there is always at most one thing to wait for. */
  #guardTimer: ReturnType<typeof setTimeout> | undefined;
  #settledTimer: ReturnType<typeof setTimeout> | undefined;

  /** Throws when the address is not one. */
  constructor(options: LinkOptions, ports: LinkPorts) {
    new URL(options.url);
    this.#options = options;
    this.#ports = ports;
    this.#leaderboard = options.leaderboard ?? DEFAULT_LEADERBOARD;
    this.#stopListening = ports.network.onWake(() => this.#wake());
    void this.#connect();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The newest board seen, kept while reconnecting. */
  get board(): Board | undefined {
    return this.#board;
  }

  /** When the server was last heard, in Unix milliseconds; for the reader's eyes only. */
  get lastHeardMs(): number | undefined {
    return this.#lastHeardMs;
  }

  get standing(): Standing | undefined {
    return this.#standing;
  }

  /**
   * Call when the token changed: a new one is shown in band, without one the link starts again as a stranger. A socket
   * belongs to one player for life, so to change players either sign out in between or open another link.
   */
  async renewToken(): Promise<void> {
    const generation = this.#generation;
    const token = await this.#askToken();
    if (generation !== this.#generation || this.#socket === undefined || token === this.#token) return;
    if (token === undefined) this.#standing = undefined;
    else if (this.#socket.send(JSON.stringify({ type: 'authenticate', token }))) {
      this.#token = token;
      return;
    }
    this.#drop();
    void this.#connect();
  }

  close(): void {
    this.#end('');
  }

  async #connect(): Promise<void> {
    const generation = ++this.#generation;
    const token = await this.#askToken();
    if (generation !== this.#generation) return;
    this.#token = token;
    this.#guard(OPEN_LIMIT_MS, () => this.#lost());
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${token}`];
    // Events of a socket that was left behind can't come: leave() stops them.
    this.#socket = this.#ports.open(this.#address(), protocols, {
      opened: () => this.#opened(),
      received: (text) => this.#received(text),
      closed: (code, reason) => this.#closed(code, reason),
    });
  }

  /** A viewer without a token is better than no viewer, so a source that fails means "stranger" for now. */
  async #askToken(): Promise<string | undefined> {
    try {
      const token = await this.#options.token?.({ refused: this.#refused });
      return token === undefined || token === this.#refused || !TOKEN.test(token) ? undefined : token;
    } catch {
      return undefined;
    }
  }

  #address(): string {
    const url = new URL(this.#options.url);
    if (this.#board !== undefined && this.#leaderboard === DEFAULT_LEADERBOARD) {
      url.searchParams.set('epoch', String(this.#board.epoch));
      url.searchParams.set('seq', String(this.#board.seq));
    }
    return url.href;
  }

  /** The address resumes the default board; any other board is asked for in band, in place of it. */
  #opened(): void {
    this.#guard(OPEN_LIMIT_MS, () => this.#lost());
    const leaderboard = this.#leaderboard;
    if (leaderboard === DEFAULT_LEADERBOARD) return;
    const { epoch, seq } = this.#board ?? {};
    this.#socket?.send(JSON.stringify({ type: 'subscribe', leaderboard, epoch, seq }));
    this.#socket?.send(JSON.stringify({ type: 'unsubscribe', leaderboard: DEFAULT_LEADERBOARD }));
  }

  #received(text: string): void {
    this.#lastHeardMs = Date.now();
    this.#guard(PING_AFTER_MS, () => this.#probe());
    const frame = parseFrame(text);
    if (frame !== undefined) this.#take(frame);
  }

  #take(frame: Frame): void {
    if (frame.kind === 'error') this.#takeError(frame);
    if (frame.kind === 'board' && frame.board.leaderboardId === this.#leaderboard) {
      this.#keepBoard(takeBoard(this.#board, frame.board));
      if (frame.standing !== undefined) this.#keepStanding(frame.standing);
    } else if (frame.kind === 'freshness' && frame.leaderboardId === this.#leaderboard) {
      if (this.#board !== undefined) this.#keepBoard(markFreshness(this.#board, frame.stale));
    }
  }

  /** A node that does not watch the board, or gave it up, may watch it later; another one may at once. */
  #takeError(error: Extract<Frame, { kind: 'error' }>): void {
    this.#options.onError?.(error);
    if (error.leaderboardId !== this.#leaderboard) return;
    if (error.reason === 'LEADERBOARD_INVALID') this.#end(error.message);
    else this.#lost();
  }

  /** A board that was vouched for or not, but by this connection: from now on it is not "reconnecting". */
  #receiveBoard(stale: boolean): void {
    this.#setState(stale ? 'stale' : 'live');
    if (this.#receiving) return;
    this.#receiving = true;
    this.#settledTimer = setTimeout(() => {
      this.#attempt = 0;
      this.#refused = undefined;
    }, SETTLED_AFTER_MS);
  }

  #keepBoard(board: Board): void {
    const changed = board !== this.#board;
    this.#board = board;
    this.#receiveBoard(board.stale);
    if (changed) this.#options.onBoard?.(board);
  }

  #keepStanding(offered: Standing): void {
    const standing = takeStanding(this.#standing, offered);
    if (standing === this.#standing) return;
    this.#standing = standing;
    this.#options.onPlayer?.(standing);
  }

  #closed(code: number, reason: string): void {
    this.#drop();
    const after = afterClose({ code, reason }, this.#attempt, this.#ports.random);
    if (after.next === 'stop') {
      this.#end(after.reason);
      return;
    }
    if (after.tokenRefused) this.#refused = this.#token;
    this.#retryIn(after.delayMs);
  }

  /** The peer is gone without having said so. */
  #lost(): void {
    this.#drop();
    this.#retryIn(backoffMs(this.#attempt, this.#ports.random));
  }

  #retryIn(delayMs: number): void {
    this.#attempt += 1;
    const online = this.#ports.network.online();
    this.#setState(online ? 'reconnecting' : 'offline');
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => void this.#connect(), online ? delayMs : OFFLINE_RETRY_MS);
  }

  #wake(): void {
    if (this.#socket !== undefined) this.#probe();
    else if (this.#retryTimer !== undefined) {
      this.#attempt = 0;
      this.#retryIn(backoffMs(0, this.#ports.random));
    }
  }

  #probe(): void {
    this.#socket?.send('{"type":"ping"}');
    this.#guard(PONG_LIMIT_MS, () => this.#lost());
  }

  #guard(limitMs: number, act: () => void): void {
    clearTimeout(this.#guardTimer);
    this.#guardTimer = setTimeout(act, limitMs);
  }

  #drop(): void {
    this.#generation += 1;
    this.#socket?.leave();
    this.#socket = undefined;
    this.#receiving = false;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#guardTimer);
    clearTimeout(this.#settledTimer);
    this.#retryTimer = undefined;
  }

  #end(reason: string): void {
    this.#drop();
    this.#stopListening();
    this.#setState('closed', reason);
  }

  #setState(status: ConnectionStatus, reason = ''): void {
    if (status === this.#state.status) return;
    this.#state = { status, reason };
    this.#options.onState?.(this.#state);
  }
}
