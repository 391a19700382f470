/**
 * Changes to the signing keys on disk: create the first ones, list, rotate, withdraw. Every change is written before it takes
 * effect, and a key signs only after it was read from its file, so an unpublished key never signs.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import { ensureClosedFolder } from '../../shared/files/replace-file.ts';
import { type Clock, systemClock } from '../../shared/settings/clock.ts';
import { CLOCK_TOLERANCE_S, MAX_TOKEN_AGE_S } from '../../shared/tokens/rules/token-policy.ts';
import { changeAlone, KEY_KINDS, type KeyKind, keysVersion, readKeys, writeKeys } from './key-file.ts';
import {
  type KeyState,
  keyState,
  liveKeys,
  SIGNS_SINCE_EVER,
  type StoredKey,
  withNewKey,
  withoutKey,
} from './key-schedule.ts';

/** Longest lifetime of an action signature that may be configured. */
export const MAX_ACTION_LIFETIME_S = 24 * 60 * 60;
/** Far above the half second between two refreshes of a verifier, so that a verifier may be cut off for most of a minute. */
export const PUBLISH_DELAY_MS = 60_000;
const RETENTION_MS: Readonly<Record<KeyKind, number>> = {
  token: (MAX_TOKEN_AGE_S + CLOCK_TOLERANCE_S) * 1000,
  action: MAX_ACTION_LIFETIME_S * 1000,
};
/** 64 bits: unique among the few keys there are. */
const KID_BYTES = 8;
/** The length of the output of SHA-256; a longer secret adds nothing. */
export const ACTION_SECRET_BYTES = 32;

function makeKey(kind: KeyKind): { kid: string; jwk: JWK } {
  // Hexadecimal: in base64url it could begin with "-", and the command line would read it as an option.
  const kid = randomBytes(KID_BYTES).toString('hex');
  if (kind === 'action') {
    return { kid, jwk: { kty: 'oct', k: randomBytes(ACTION_SECRET_BYTES).toString('base64url') } };
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, jwk: privateKey.export({ format: 'jwk' }) as JWK };
}

/** Creates the folder and the first keys if there are none. Returns the kinds of new keys. */
export async function ensureKeys(dir: string): Promise<readonly KeyKind[]> {
  ensureClosedFolder(dir);
  const made: KeyKind[] = [];
  for (const kind of KEY_KINDS) {
    if (keysVersion(dir, kind) === undefined && (await makeFirstKey(dir, kind))) made.push(kind);
  }
  return made;
}

/** False when another process created them first. */
function makeFirstKey(dir: string, kind: KeyKind): Promise<boolean> {
  return changeAlone(dir, kind, () => {
    if (keysVersion(dir, kind) !== undefined) return false;
    writeKeys(dir, kind, [{ ...makeKey(kind), signsFromMs: SIGNS_SINCE_EVER }]);
    return true;
  });
}

export interface KeyInfo {
  readonly kid: string;
  readonly state: KeyState;
  readonly signsFromMs: number;
  readonly verifiesUntilMs: number | undefined;
}

/** The live keys without their secrets, oldest first. */
export function listKeys(dir: string, kind: KeyKind, clock: Clock = systemClock): KeyInfo[] {
  const nowMs = clock.now();
  const keys = readKeys(dir, kind);
  return liveKeys(keys, nowMs).map((key) => ({
    kid: key.kid,
    state: keyState(key, keys, nowMs),
    signsFromMs: key.signsFromMs,
    verifiesUntilMs: key.verifiesUntilMs,
  }));
}

/** Publishes a new key, which signs after the publish delay, and returns its id. Expired keys are dropped. */
export function rotateKey(dir: string, kind: KeyKind, clock: Clock = systemClock): Promise<string> {
  return changeAlone(dir, kind, () => {
    const nowMs = clock.now();
    const key = makeKey(kind);
    const times = { nowMs, publishDelayMs: PUBLISH_DELAY_MS, retentionMs: RETENTION_MS[kind] };
    writeKeys(dir, kind, withNewKey(readKeys(dir, kind), key, times));
    return key.kid;
  });
}

/** The emergency stop: all signatures of this key are invalid from now on. Another key takes over at once. */
export function withdrawKey(
  dir: string,
  kind: KeyKind,
  kid: string,
  clock: Clock = systemClock,
): Promise<void> {
  return changeAlone(dir, kind, () => {
    const nowMs = clock.now();
    const left: StoredKey[] = withoutKey(readKeys(dir, kind), kid, nowMs, () => makeKey(kind));
    writeKeys(dir, kind, left);
  });
}
