/**
 * A viewer's link to the scoreboard. It connects, keeps the newest board, detects a dead peer and reconnects, resuming from
 * the position of its board. It promises that boards only move forward and that the reported state is true. It gives up
 * only if the server says that reconnecting is pointless. Randomness, network and socket are ports.
 */
import { Alarm } from './alarm.js';
import {
  type Board,
  type BoardSize,
  DEFAULT_LEADERBOARD,
  DEFAULT_SIZE,
  type Frame,
  parseFrame,
  type Standing,
} from './frames.js';
import { addressOf, subprotocolsFor, tokenFrom } from './handshake.js';
import type { ConnectionState, ConnectionStatus, LinkOptions, LinkPorts } from './link-options.js';
import { markFreshness, takeBoard, takeStanding } from './newest-board.js';
import { afterClose, backoffMs } from './reconnect.js';
import type { SocketPort } from './socket-port.js';
import { openingMessages, tellFriends } from './subscription.js';

/** Silence after which the link sends a ping: shorter than the 30 s that many proxies allow. */
export const PING_AFTER_MS = 25_000;
/** Longest wait for the answer to a ping. */
export const PONG_LIMIT_MS = 5_000;
/** Longest wait for a connection to open, and for the first frame on it. */
export const OPEN_LIMIT_MS = 10_000;
/** A connection that lasted this long worked: the next failure starts the backoff anew. */
export const SETTLED_AFTER_MS = 5_000;
/** `offline` is a hint that can be wrong (a server on this machine stays reachable), so it only slows the retries. */
export const OFFLINE_RETRY_MS = 30_000;

export class ScoreboardLink {
  readonly #options: LinkOptions;
  readonly #ports: LinkPorts;
  readonly #leaderboard: string;
  readonly #size: BoardSize;
  readonly #stopListening: () => void;
  #state: ConnectionState = { status: 'connecting', reason: '' };
  #board: Board | undefined;
  #standing: Standing | undefined;
  #lastHeardMs: number | undefined;
  #socket: SocketPort | undefined;
  /** Counts connections, so that a token that arrives after the link moved on is recognised. */
  #generation = 0;
  #attempt = 0;
  #token: string | undefined;
  #refused: string | undefined;
  #receiving = false;
  readonly #retry = new Alarm();
  /** Limits opening, silence and pings: the link waits for at most one of them at a time. */
  readonly #guard = new Alarm();
  readonly #settled = new Alarm();

  /** Throws if the URL is invalid. */
  constructor(options: LinkOptions, ports: LinkPorts) {
    new URL(options.url);
    this.#options = options;
    this.#ports = ports;
    this.#leaderboard = options.leaderboard ?? DEFAULT_LEADERBOARD;
    this.#size = options.size ?? DEFAULT_SIZE;
    this.#stopListening = ports.network.onWake(() => this.#wake());
    void this.#connect();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The newest board; kept while reconnecting. */
  get board(): Board | undefined {
    return this.#board;
  }

  /** When the last frame arrived, in Unix milliseconds; for display only. */
  get lastHeardMs(): number | undefined {
    return this.#lastHeardMs;
  }

  get standing(): Standing | undefined {
    return this.#standing;
  }

  /**
   * Call when the token changed. A new token is sent on the open socket; without one the link reconnects anonymously. A
   * socket belongs to one player for its lifetime, so to change players sign out in between or open another link.
   */
  async renewToken(): Promise<void> {
    const generation = this.#generation;
    const token = await this.#askToken();
    if (generation !== this.#generation || this.#socket === undefined || token === this.#token) return;
    if (token === undefined) this.#standing = undefined;
    else if (this.#socket.send(JSON.stringify({ type: 'authenticate', token }))) {
      this.#token = token;
      if (this.#options.friends !== undefined) this.#subscribe();
      return;
    }
    this.#drop();
    void this.#connect();
  }

  close(): void {
    this.#end('closed');
  }

  #askToken(): Promise<string | undefined> {
    return tokenFrom(this.#options.token, this.#refused, (error) => this.#options.onError?.(error));
  }

  async #connect(): Promise<void> {
    const generation = ++this.#generation;
    const token = await this.#askToken();
    if (generation !== this.#generation) return;
    this.#token = token;
    this.#guard.set(OPEN_LIMIT_MS, () => this.#lost());
    const isDefault = this.#leaderboard === DEFAULT_LEADERBOARD && this.#size === DEFAULT_SIZE;
    const address = addressOf(this.#options.url, isDefault ? this.#board : undefined);
    // Handlers of a dropped socket are never called: `leave` removes them.
    this.#socket = this.#ports.open(address, subprotocolsFor(token), {
      opened: () => this.#opened(),
      received: (text) => this.#received(text),
      closed: (code, reason) => this.#closed(code, reason),
    });
  }

  #opened(): void {
    this.#guard.set(OPEN_LIMIT_MS, () => this.#lost());
    this.#subscribe();
  }

  #subscribe(): void {
    const friends = this.#token === undefined ? undefined : this.#options.friends;
    const wanted = { leaderboard: this.#leaderboard, size: this.#size, friends };
    for (const message of openingMessages(wanted, this.#board)) this.#socket?.send(message);
  }

  #received(text: string): void {
    this.#lastHeardMs = Date.now();
    this.#guard.set(PING_AFTER_MS, () => this.#ping());
    const frame = parseFrame(text);
    if (frame !== undefined) this.#take(frame);
  }

  #take(frame: Frame): void {
    if (frame.kind === 'error') this.#takeError(frame);
    tellFriends(frame, this.#leaderboard, this.#options);
    if (frame.kind === 'board' && this.#isWatched(frame.board.leaderboardId, frame.size)) {
      this.#keepBoard(takeBoard(this.#board, frame.board, frame.size));
      if (frame.standing !== undefined) this.#keepStanding(frame.standing);
    } else if (frame.kind === 'freshness' && this.#isWatched(frame.leaderboardId, frame.size)) {
      if (this.#board !== undefined) this.#keepBoard(markFreshness(this.#board, frame.stale));
    }
  }

  #isWatched(leaderboardId: string, size: number): boolean {
    return leaderboardId === this.#leaderboard && size === this.#size;
  }

  /** A node that does not watch this board may watch it later, and another node may watch it now: reconnects. */
  #takeError(error: Extract<Frame, { kind: 'error' }>): void {
    if (error.leaderboardId === this.#leaderboard) {
      if (error.reason === 'LEADERBOARD_INVALID') this.#end('refused', error.message);
      else this.#lost();
    }
    this.#options.onError?.({ reason: error.reason, message: error.message });
  }

  #keepBoard(board: Board): void {
    const changed = board !== this.#board;
    this.#board = board;
    this.#setState(board.stale ? 'stale' : 'live');
    if (!this.#receiving) {
      this.#receiving = true;
      this.#settled.set(SETTLED_AFTER_MS, () => {
        this.#attempt = 0;
        this.#refused = undefined;
      });
    }
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
      this.#end('refused', after.refusal.message);
      this.#options.onError?.(after.refusal);
      return;
    }
    this.#retryIn(after.delayMs);
    if (after.tokenRefusal === undefined) return;
    this.#refused = this.#token;
    this.#options.onError?.(after.tokenRefusal);
  }

  /** The peer is gone and sent no close frame. */
  #lost(): void {
    this.#drop();
    this.#retryIn(backoffMs(this.#attempt, this.#ports.random));
  }

  #retryIn(delayMs: number): void {
    this.#attempt += 1;
    const online = this.#ports.network.online();
    this.#setState(online ? 'reconnecting' : 'offline');
    this.#retry.set(online ? delayMs : OFFLINE_RETRY_MS, () => void this.#connect());
  }

  #wake(): void {
    if (this.#socket !== undefined) this.#ping();
    else if (this.#retry.isSet) {
      this.#attempt = 0;
      this.#retryIn(backoffMs(0, this.#ports.random));
    }
  }

  #ping(): void {
    this.#socket?.send('{"type":"ping"}');
    this.#guard.set(PONG_LIMIT_MS, () => this.#lost());
  }

  #drop(): void {
    this.#generation += 1;
    this.#socket?.leave();
    this.#socket = undefined;
    this.#receiving = false;
    for (const alarm of [this.#retry, this.#guard, this.#settled]) alarm.clear();
  }

  #end(status: 'refused' | 'closed', reason = ''): void {
    this.#drop();
    this.#stopListening();
    this.#setState(status, reason);
  }

  #setState(status: ConnectionStatus, reason = ''): void {
    if (status === this.#state.status) return;
    this.#state = { status, reason };
    this.#options.onState?.(this.#state);
  }
}
