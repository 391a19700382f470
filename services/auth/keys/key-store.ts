/**
 * What can be done to the signing keys on disk: make the first ones, list, rotate, withdraw. Every change is written
 * before it counts, and a key signs only after it was read back from its file, so an unpublished key never signs.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import type { JWK } from 'jose';
import { ensurePrivateFolder } from '../../shared/files/replace-file.ts';
import { type Clock, systemClock } from '../../shared/settings/clock.ts';
import { CLOCK_TOLERANCE_S } from '../../shared/tokens/token-check.ts';
import { MAX_TOKEN_AGE_S } from '../../shared/tokens/token-policy.ts';
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

/** Longest life of an action signature that the configuration may ask for. */
export const MAX_ACTION_LIFETIME_S = 24 * 60 * 60;
/** Far above the half second between two refreshes of a verifier, so that one may be cut off for most of a minute. */
export const PUBLISH_DELAY_MS = 60_000;
const RETENTION_MS: Readonly<Record<KeyKind, number>> = {
  token: (MAX_TOKEN_AGE_S + CLOCK_TOLERANCE_S) * 1000,
  action: MAX_ACTION_LIFETIME_S * 1000,
};
const OWNER_ONLY_DIR = 0o700;
/** 64 bits: unique among the few keys that ever live. */
const KID_BYTES = 8;
/** As long as the output of SHA-256; more would add nothing. */
export const ACTION_SECRET_BYTES = 32;

function makeKey(kind: KeyKind): { kid: string; jwk: JWK } {
  const kid = randomBytes(KID_BYTES).toString('base64url');
  if (kind === 'action') {
    return { kid, jwk: { kty: 'oct', k: randomBytes(ACTION_SECRET_BYTES).toString('base64url') } };
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, jwk: privateKey.export({ format: 'jwk' }) as JWK };
}

/** Makes the folder and the first keys where there are none yet, and answers of which kinds. */
export async function ensureKeys(dir: string): Promise<readonly KeyKind[]> {
  ensurePrivateFolder(dir);
  chmodSync(dir, OWNER_ONLY_DIR);
  const made: KeyKind[] = [];
  for (const kind of KEY_KINDS) {
    if (keysVersion(dir, kind) === undefined && (await makeFirstKey(dir, kind))) made.push(kind);
  }
  return made;
}

/** False when another process was first. */
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

/** Publishes a new key, which signs after the publish delay, and returns its id. Keys past their time are dropped. */
export function rotateKey(dir: string, kind: KeyKind, clock: Clock = systemClock): Promise<string> {
  return changeAlone(dir, kind, () => {
    const nowMs = clock.now();
    const key = makeKey(kind);
    const times = { nowMs, publishDelayMs: PUBLISH_DELAY_MS, retentionMs: RETENTION_MS[kind] };
    writeKeys(dir, kind, withNewKey(readKeys(dir, kind), key, times));
    return key.kid;
  });
}

/** The kill switch: nothing that this key signed holds from now on. Another key takes over at once. */
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
