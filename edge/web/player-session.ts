/**
 * Who is playing here. The token lives in memory and in this tab's session storage, so that a reload keeps the player and
 * a closed tab forgets them. It is renewed while it still holds; once the server refuses it, the player has to sign in
 * again. This device's clock may be wrong, so it only decides when to renew, never whether a token holds.
 */
import { ApiError, callJson, type Fields } from './api.js';

export interface Player {
  readonly userId: string;
  readonly username: string;
  readonly accessToken: string;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
}

const STORAGE_KEY = 'scoreboard.player';
/** A token is renewed when this share of its life is left. */
const RENEW_AT_SHARE = 0.25;
const RENEW_MIN_MS = 1_000;
/** After a failed renewal, and when this device's clock says that a token that still works has run out. */
const RENEW_RETRY_MS = 15_000;
/** The longest delay that setTimeout can hold. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function parsePlayer(fields: Fields): Player | undefined {
  const { userId, username, accessToken, expiresAt } = fields;
  if (typeof userId !== 'string' || typeof username !== 'string') return undefined;
  if (typeof accessToken !== 'string' || typeof expiresAt !== 'string') return undefined;
  const expiresAtMs = Date.parse(expiresAt);
  return Number.isNaN(expiresAtMs) ? undefined : { userId, username, accessToken, expiresAtMs };
}

/** The part of a Storage that is needed. */
export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface PlayerSessionOptions {
  readonly gameUrl: string;
  readonly store: KeyValueStore;
  /** Also called when the same player got a new token. */
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

  /** Takes up the player of before the reload. */
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

  /** A token that is not the refused one, or undefined when nobody is signed in (any more). */
  async token({ refused }: { refused?: string | undefined } = {}): Promise<string | undefined> {
    const player = this.#player;
    if (player === undefined) return undefined;
    if (player.accessToken === refused) await this.#renew();
    return this.#player?.accessToken;
  }

  #ask(url: string, options: { token?: string; body?: object }): Promise<Player> {
    return callJson(url, { method: 'POST', ...options }).then((answer) => {
      const player = parsePlayer(answer);
      if (player === undefined)
        throw new ApiError(502, 'UNKNOWN', 'The game server gave an answer of an unknown form.');
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
