/**
 * Revocations on disk, beside the keys: single tokens by their id, and players, whose tokens and signatures up to that time are all
 * void. An entry is dropped once every token and signature that it concerns has expired. Their number is limited.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../shared/files/replace-file.ts';
import { type Clock, systemClock } from '../../shared/settings/clock.ts';
import { MAX_OUTSIDE_TOKEN_AGE_S } from '../../shared/tokens/rules/outside-issuers.ts';
import { OUTSIDE_CLOCK_TOLERANCE_S } from '../../shared/tokens/rules/token-policy.ts';
import { changeFileAlone, fileOwner, fileVersion, readOwnFile } from '../keys/own-file.ts';

export type RevocationKind = 'token' | 'player';

export interface StoredRevocation {
  readonly kind: RevocationKind;
  /** A token's `jti` or a player's `sub`. */
  readonly subject: string;
  readonly atMs: number;
}

/** With every field at its limit they fit into one message. For more, withdraw the key. */
export const MAX_REVOCATIONS = 5_000;
/** No token of any issuer, and no signature, is accepted for longer. */
const LIFETIME_MS = (MAX_OUTSIDE_TOKEN_AGE_S + 2 * OUTSIDE_CLOCK_TOLERANCE_S) * 1000;
/** The form of a `jti` or `sub`. */
const SUBJECT = /^[\x21-\x7e]{1,128}$/;

const revocationsPath = (dir: string): string => join(dir, 'revocations.json');

/** Changes whenever the list is replaced; undefined while there never was a revocation. */
export const revocationsVersion = (dir: string): string | undefined => fileVersion(revocationsPath(dir));

/** Who changed the list last. */
export const revocationsOwner = (dir: string): string => fileOwner(revocationsPath(dir));

function isRevocation(value: unknown): value is StoredRevocation {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, subject, atMs } = value as Partial<Record<keyof StoredRevocation, unknown>>;
  const isKind = kind === 'token' || kind === 'player';
  return isKind && typeof subject === 'string' && SUBJECT.test(subject) && Number.isSafeInteger(atMs);
}

/** Those that still concern live tokens. Throws when the file is damaged. */
export function readRevocations(dir: string, nowMs: number): StoredRevocation[] {
  if (revocationsVersion(dir) === undefined) return [];
  const path = revocationsPath(dir);
  const { revocations } = readOwnFile(path);
  if (!Array.isArray(revocations) || !revocations.every(isRevocation)) {
    throw new Error(`${path} does not hold a list of revocations`);
  }
  return revocations.filter(({ atMs }) => nowMs - atMs <= LIFETIME_MS);
}

/** Durable before it returns. A second revocation of a player replaces the first one. */
export async function revoke(
  dir: string,
  kind: RevocationKind,
  subject: string,
  clock: Clock = systemClock,
): Promise<void> {
  if (!SUBJECT.test(subject)) throw new Error(`a ${kind} is named by 1 to 128 printable ASCII characters`);
  // No service reads a list in a folder that is created here.
  if (!existsSync(dir)) throw new Error(`there is no folder ${dir}: set AUTH_KEYS_DIR or DATA_DIR`);
  await changeFileAlone(revocationsPath(dir), () => {
    const nowMs = clock.now();
    const others = readRevocations(dir, nowMs).filter(
      (each) => each.kind !== kind || each.subject !== subject,
    );
    if (others.length >= MAX_REVOCATIONS) {
      throw new Error(
        `${MAX_REVOCATIONS} revocations are in force, which is the limit: withdraw the signing key instead`,
      );
    }
    const revocations = [...others, { kind, subject, atMs: nowMs }];
    replaceFile(revocationsPath(dir), `${JSON.stringify({ revocations }, null, 2)}\n`);
  });
}
