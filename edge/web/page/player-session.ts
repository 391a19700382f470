/**
 * The signed-in player. The token is kept in memory and in the store, so the player outlives a reload. It is renewed before it expires; after the server refuses it, the player has to sign in again.
 * This device's clock may be wrong, so it only decides when to renew, never whether a token is valid.
 */
import { ApiError, callJson, type Fields, unreadableAnswer } from './api.js';
import type { KeyValueStore } from './player-store.js';

export interface Player {
  readonly userId: string;
  readonly username: string;
  readonly accessToken: string;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
}

const STORAGE_KEY = 'scoreboard.player';
/** Share of its lifetime that a token has left when it is renewed. */
const RENEW_AT_SHARE = 0.25;
const RENEW_MIN_MS = 1_000;
/** After a failed renewal, and while this device's clock calls a working token expired. */
const RENEW_RETRY_MS = 15_000;
/** Longest delay of setTimeout. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function parsePlayer(fields: Fields): Player | undefined {
  const { userId, username, accessToken, expiresAt } = fields;
  if (typeof userId !== 'string' || typeof username !== 'string') return undefined;
  if (typeof accessToken !== 'string' || typeof expiresAt !== 'string') return undefined;
  const expiresAtMs = Date.parse(expiresAt);
  return Number.isNaN(expiresAtMs) ? undefined : { userId, username, accessToken, expiresAtMs };
}

export interface PlayerSessionOptions {
  readonly gameUrl: string;
  readonly store: KeyValueStore;
  /** Also called when the same player gets a new token. */
  readonly onChange: (player: Player | undefined) => void;
}

export class PlayerSession {
  readonly #options: PlayerSessionOptions;
  #player: Player | undefined;
  #renewing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PlayerSessionOptions) {
    this.#options = options;
  }

  get player(): Player | undefined {
    return this.#player;
  }

  /** Restores the player from before a reload. */
  restore(): void {
    try {
      const stored: unknown = JSON.parse(this.#options.store.getItem(STORAGE_KEY) ?? 'null');
      const player =
        typeof stored === 'object' && stored !== null ? parsePlayer(stored as Fields) : undefined;
      if (player !== undefined) this.#set(player);
    } catch {
      this.#options.store.removeItem(STORAGE_KEY);
    }
  }

  async signIn(username: string): Promise<void> {
    this.#set(await this.#ask(`${this.#options.gameUrl}/v1/players`, { body: { username } }));
  }

  signOut(): void {
    this.#set(undefined);
  }

  /** A token other than the refused one; undefined if no player is signed in. */
  async token({ refused }: { refused?: string | undefined } = {}): Promise<string | undefined> {
    const player = this.#player;
    if (player === undefined) return undefined;
    if (player.accessToken === refused) await this.#renew();
    return this.#player?.accessToken;
  }

  #ask(url: string, options: { token?: string; body?: object }): Promise<Player> {
    return callJson(url, { method: 'POST', ...options }).then((answer) => {
      const player = parsePlayer(answer);
      if (player === undefined) throw unreadableAnswer('The game server');
      return player;
    });
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    const before = this.#player;
    if (before === undefined) return;
    try {
      const renewed = await this.#ask(`${this.#options.gameUrl}/v1/players/refresh`, {
        token: before.accessToken,
      });
      if (this.#player === before) this.#set(renewed);
    } catch (error) {
      if (this.#player !== before) return;
      if (error instanceof ApiError && error.status === 401) this.#set(undefined);
      else this.#renewIn(RENEW_RETRY_MS);
    }
  }

  #set(player: Player | undefined): void {
    this.#player = player;
    clearTimeout(this.#timer);
    if (player === undefined) this.#options.store.removeItem(STORAGE_KEY);
    else {
      const expiresAt = new Date(player.expiresAtMs).toISOString();
      this.#options.store.setItem(STORAGE_KEY, JSON.stringify({ ...player, expiresAt }));
      const leftMs = player.expiresAtMs - Date.now();
      this.#renewIn(leftMs > 0 ? Math.max(RENEW_MIN_MS, leftMs * (1 - RENEW_AT_SHARE)) : RENEW_RETRY_MS);
    }
    this.#options.onChange(player);
  }

  #renewIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), Math.min(delayMs, TIMER_MAX_MS));
  }
}
