/**
 * Who is playing here. The token lives in memory and in this tab's session storage, so that a reload keeps the player and
 * a closed tab forgets them. It is renewed while it still holds; once it has run out the player has to sign in again.
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
/** After a failed renewal. */
const RENEW_RETRY_MS = 5_000;
const RENEW_MIN_MS = 1_000;
/** The longest delay that setTimeout can hold. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function parsePlayer(fields: Fields): Player | undefined {
  const { userId, username, accessToken, expiresAt } = fields;
  if (typeof userId !== 'string' || typeof username !== 'string') return undefined;
  if (typeof accessToken !== 'string' || typeof expiresAt !== 'string') return undefined;
  const expiresAtMs = Date.parse(expiresAt);
  return Number.isNaN(expiresAtMs) ? undefined : { userId, username, accessToken, expiresAtMs };
}

export class PlayerSession {
  readonly #gameUrl: string;
  readonly #onChange: (player: Player | undefined) => void;
  #player: Player | undefined;
  #renewing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(gameUrl: string, onChange: (player: Player | undefined) => void) {
    this.#gameUrl = gameUrl;
    this.#onChange = onChange;
  }

  get player(): Player | undefined {
    return this.#player;
  }

  /** Takes up the player of before the reload, if their token still holds. */
  restore(): void {
    try {
      const stored: unknown = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? 'null');
      const player =
        typeof stored === 'object' && stored !== null ? parsePlayer(stored as Fields) : undefined;
      if (player !== undefined && player.expiresAtMs > Date.now()) this.#set(player);
    } catch {
      sessionStorage.removeItem(STORAGE_KEY);
    }
  }

  async signIn(username: string): Promise<void> {
    this.#set(await this.#ask(`${this.#gameUrl}/v1/players`, { body: { username } }));
  }

  signOut(): void {
    this.#set(undefined);
  }

  /** A token that is not the refused one, or undefined when nobody is signed in (any more). */
  async token({ refused }: { refused?: string | undefined } = {}): Promise<string | undefined> {
    const player = this.#player;
    if (player === undefined) return undefined;
    if (player.accessToken === refused || player.expiresAtMs <= Date.now()) await this.#renew();
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
      const renewed = await this.#ask(`${this.#gameUrl}/v1/players/refresh`, { token: before.accessToken });
      if (this.#player === before) this.#set(renewed);
    } catch (error) {
      if (this.#player !== before) return;
      const over = before.expiresAtMs <= Date.now() || (error instanceof ApiError && error.status === 401);
      if (over) this.#set(undefined);
      else this.#renewIn(RENEW_RETRY_MS);
    }
  }

  #set(player: Player | undefined): void {
    this.#player = player;
    clearTimeout(this.#timer);
    if (player === undefined) sessionStorage.removeItem(STORAGE_KEY);
    else {
      const expiresAt = new Date(player.expiresAtMs).toISOString();
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ ...player, expiresAt }));
      const leftMs = player.expiresAtMs - Date.now();
      this.#renewIn(Math.max(RENEW_MIN_MS, leftMs * (1 - RENEW_AT_SHARE)));
    }
    this.#onChange(player);
  }

  #renewIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), Math.min(delayMs, TIMER_MAX_MS));
  }
}
