/**
 * What was revoked before its time, on disk beside the keys: single tokens by their id, and players, all of whose tokens up
 * to that moment are void. An entry is dropped when no token that it concerns can still be alive; their number is bounded.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../shared/files/replace-file.ts';
import { type Clock, systemClock } from '../../shared/settings/clock.ts';
import { CLOCK_TOLERANCE_S } from '../../shared/tokens/token-check.ts';
import { MAX_OUTSIDE_TOKEN_AGE_S } from '../../shared/tokens/token-policy.ts';
import { changeFileAlone, fileVersion, readOwnFile } from '../keys/own-file.ts';

export type RevocationKind = 'token' | 'player';

export interface StoredRevocation {
  readonly kind: RevocationKind;
  /** A token's `jti` or a player's `sub`. */
  readonly subject: string;
  readonly atMs: number;
}

/** With every field at its limit they fit into one answer. Beyond it, withdrawing the key is what is called for. */
export const MAX_REVOCATIONS = 5_000;
/** No token of any issuer is believed for longer. */
const LIFETIME_MS = (MAX_OUTSIDE_TOKEN_AGE_S + 2 * CLOCK_TOLERANCE_S) * 1000;
/** What may stand in a `jti` or `sub` that we have to do with. */
const SUBJECT = /^[\x21-\x7e]{1,128}$/;

const revocationsPath = (dir: string): string => join(dir, 'revocations.json');

/** Changes whenever the list was replaced; undefined while nothing was ever revoked. */
export const revocationsVersion = (dir: string): string | undefined => fileVersion(revocationsPath(dir));

function isRevocation(value: unknown): value is StoredRevocation {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, subject, atMs } = value as Partial<Record<keyof StoredRevocation, unknown>>;
  const isKind = kind === 'token' || kind === 'player';
  return isKind && typeof subject === 'string' && SUBJECT.test(subject) && Number.isSafeInteger(atMs);
}

/** Those that can still matter. Throws when the file is damaged. */
export function readRevocations(dir: string, nowMs: number): StoredRevocation[] {
  if (revocationsVersion(dir) === undefined) return [];
  const path = revocationsPath(dir);
  const { revocations } = readOwnFile(path);
  if (!Array.isArray(revocations) || !revocations.every(isRevocation)) {
    throw new Error(`${path} does not hold a list of revocations`);
  }
  return revocations.filter(({ atMs }) => nowMs - atMs <= LIFETIME_MS);
}

/** Durable before it returns. A second revocation of a player moves the first one up to now. */
export async function revoke(
  dir: string,
  kind: RevocationKind,
  subject: string,
  clock: Clock = systemClock,
): Promise<void> {
  if (!SUBJECT.test(subject)) throw new Error(`a ${kind} is named by 1 to 128 printable ASCII characters`);
  // No service follows a list in a folder that is made here.
  if (!existsSync(dir)) throw new Error(`there is no folder ${dir}: set AUTH_KEYS_DIR or DATA_DIR`);
  await changeFileAlone(revocationsPath(dir), () => {
    const nowMs = clock.now();
    const others = readRevocations(dir, nowMs).filter(
      (each) => each.kind !== kind || each.subject !== subject,
    );
    if (others.length >= MAX_REVOCATIONS) {
      throw new Error(`${MAX_REVOCATIONS} revocations are in force; withdraw the signing key instead`);
    }
    const revocations = [...others, { kind, subject, atMs: nowMs }];
    replaceFile(revocationsPath(dir), `${JSON.stringify({ revocations }, null, 2)}\n`);
  });
}
