/**
 * When a key signs, when it only verifies, and when it ends: pure functions of a list of keys and a time. A new key is published
 * first and signs later, so that every verifier knows it by then. A key that has stopped signing verifies until everything that
 * it signed has expired. A withdrawn key ends at once.
 */
import type { JWK } from 'jose';

export interface StoredKey {
  /** [A-Za-z0-9_-]{1,32}. */
  readonly kid: string;
  readonly signsFromMs: number;
  /** Absent while the key has no successor. */
  readonly signsUntilMs?: number;
  readonly verifiesUntilMs?: number;
  /** The private key of a token key, the secret of an action key. */
  readonly jwk: JWK;
}

/** The first key has no start time: it signs even if the clock is set back. */
export const SIGNS_SINCE_EVER = 0;

/** Most live keys. A rotation beyond it is refused. */
export const MAX_LIVE_KEYS = 16;

const signsAt = (key: StoredKey, nowMs: number): boolean =>
  key.signsFromMs <= nowMs && nowMs < (key.signsUntilMs ?? Number.POSITIVE_INFINITY);

/** The keys that verify now, including those that wait to sign. */
export function liveKeys(keys: readonly StoredKey[], nowMs: number): StoredKey[] {
  return keys.filter((key) => nowMs < (key.verifiesUntilMs ?? Number.POSITIVE_INFINITY));
}

/** The key that signs now: the newest of those that may. */
export function signingKey(keys: readonly StoredKey[], nowMs: number): StoredKey | undefined {
  return keys.filter((key) => signsAt(key, nowMs)).sort((a, b) => b.signsFromMs - a.signsFromMs)[0];
}

export type KeyState = 'waiting' | 'signing' | 'verifying';

export function keyState(key: StoredKey, keys: readonly StoredKey[], nowMs: number): KeyState {
  if (key.signsFromMs > nowMs) return 'waiting';
  return signingKey(keys, nowMs)?.kid === key.kid ? 'signing' : 'verifying';
}

export interface RotationTimes {
  nowMs: number;
  /** How long a new key is published before it signs. */
  publishDelayMs: number;
  /** Longest lifetime of anything that a key signs. */
  retentionMs: number;
}

/** Adds a key that takes over after the publish delay. */
export function withNewKey(
  keys: readonly StoredKey[],
  { kid, jwk }: Pick<StoredKey, 'kid' | 'jwk'>,
  { nowMs, publishDelayMs, retentionMs }: RotationTimes,
): StoredKey[] {
  const live = liveKeys(keys, nowMs);
  if (live.length >= MAX_LIVE_KEYS)
    throw new Error(
      `${MAX_LIVE_KEYS} keys are live, which is the limit: wait until one expires, or withdraw one`,
    );
  const signsFromMs = nowMs + publishDelayMs;
  const handedOver = live.map((key) =>
    key.signsUntilMs === undefined
      ? { ...key, signsUntilMs: signsFromMs, verifiesUntilMs: signsFromMs + retentionMs }
      : key,
  );
  return [...handedOver, { kid, jwk, signsFromMs }];
}

/**
 * Removes a key at once. If no key with an open end could sign then, the newest key that may still sign takes over, or else a new
 * one from `make`. A key that has been replaced never signs again.
 */
export function withoutKey(
  keys: readonly StoredKey[],
  kid: string,
  nowMs: number,
  make: () => Pick<StoredKey, 'kid' | 'jwk'>,
): StoredKey[] {
  if (!keys.some((key) => key.kid === kid)) throw new Error(`there is no key ${kid}`);
  const left = liveKeys(keys, nowMs).filter((key) => key.kid !== kid);
  const heirs = left
    .filter((key) => nowMs < (key.signsUntilMs ?? Number.POSITIVE_INFINITY))
    .sort((a, b) => a.signsFromMs - b.signsFromMs);
  const first = heirs.at(0);
  const last = heirs.at(-1);
  if (first === undefined || last === undefined)
    return [...left, { ...make(), signsFromMs: SIGNS_SINCE_EVER }];
  return left.map((key) => {
    const { signsUntilMs, verifiesUntilMs, ...rest } = key;
    const signsFromMs = key === first ? SIGNS_SINCE_EVER : key.signsFromMs;
    if (key === last) return { ...rest, signsFromMs };
    return { ...key, signsFromMs };
  });
}
