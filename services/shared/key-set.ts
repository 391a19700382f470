/**
 * Public keys of one issuer, kept fresh in the background and off the request path. Promises: at most one fetch under
 * way, at most one per cool-down however many unknown key ids arrive, and a set that was once held goes on being used
 * while its source is down, up to a cap. Our own wrapper, since jose's has no stale-if-error and no failure cool-down.
 */
import {
  type CryptoKey,
  type createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import { AppError } from './app-error.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** How long a set is used after the last time its source was heard. Beyond it, a withdrawn key could live on for ever. */
export const STALE_CAP_MS = 24 * 60 * 60 * 1000;
/** Between two fetches that requests ask for, so that random key ids can't make us flood the source. */
export const FETCH_COOLDOWN_MS = 2_000;
/** Between tries while no set is held: a process that starts before its source should be ready soon after it. */
export const FIRST_SET_RETRY_MS = 250;
/** Most keys in one set; an issuer has a handful. */
const MAX_KEYS = 100;

export interface KeySetOptions {
  /** For the log. */
  name: string;
  /** Gets the JSON Web Key Set as text, within a limit of its own. */
  fetch: () => Promise<string>;
  /** Between two refreshes in the background. */
  refreshMs: number;
  clock: Clock;
  log: Log;
  /** Told when keys that were held no longer are, or are no longer the same. */
  onKeysGone?: () => void;
}

export interface KeySet {
  /** The one key that a token's header names, or undefined. Refuses with AUTH_UNAVAILABLE when no set is held. */
  find(header: JWSHeaderParameters): Promise<CryptoKey | undefined>;
  /** True when a set is held that is not too old. */
  held(): boolean;
  /** Whether the set holds this key, unchanged, under the same id as when it was found. */
  json(): string | undefined;
  close(): void;
}

interface Held {
  json: string;
  resolve: ReturnType<typeof createLocalJWKSet>;
  keys: ReadonlyMap<string, string>;
  heardAtMs: number;
}
