/**
 * The user id of an outside player: short, opaque, and the same for ever. It is a keyed hash of issuer and subject, so that it
 * reveals no subject without the key, and subjects can't be tried out. Each issuer has a key of its own, derived from the one that auth keeps.
 */
import { createHmac } from 'node:crypto';

export const SUBJECT_KEY_BYTES = 32;
/** OpenID Connect allows no more. */
const MAX_SUBJECT_LENGTH = 255;

const ALGORITHM = 'sha256';
const ISSUER_CONTEXT = 'scoreboard-issuer-v1\n';
const SUBJECT_CONTEXT = 'scoreboard-subject-v1\n';
const PREFIX = 'u_';
/** Without vowels, so that no id spells a word, and without characters that look alike. */
const ALPHABET = '23456789bcdfghjkmnpqrstvwxyz';
/** 101 bits: among a billion players two ids are the same with a probability of one in 10^12. */
const LENGTH = 21;
const DERIVED = new RegExp(`^${PREFIX}[${ALPHABET}]{${LENGTH}}$`);
/** The digits of an alias: more than half a million aliases. */
const ALIAS_LENGTH = 4;

export type UserIdOf = (subject: string) => string;

/** What a process needs to derive the ids of one issuer's players, and of no other's. */
export function subjectKeyOf(masterKey: Uint8Array, issuer: string): Buffer {
  return createHmac(ALGORITHM, masterKey).update(`${ISSUER_CONTEXT}${issuer}`).digest();
}

export function createUserIdOf(subjectKey: Uint8Array): UserIdOf {
  return (subject) => {
    let number = BigInt(
      `0x${createHmac(ALGORITHM, subjectKey)
        .update(SUBJECT_CONTEXT + subject)
        .digest('hex')}`,
    );
    let digits = '';
    for (let place = 0; place < LENGTH; place += 1) {
      digits += ALPHABET[Number(number % BigInt(ALPHABET.length))];
      number /= BigInt(ALPHABET.length);
    }
    return PREFIX + digits;
  };
}

export function isSubject(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.length <= MAX_SUBJECT_LENGTH && value.isWellFormed()
  );
}

/** Whether a user id has the form of a derived one. The subject of another issuer must not: it would be that player. */
export const isDerivedId = (userId: string): boolean => DERIVED.test(userId);

/** The name of an outside player who has none, such as "Player 7F3K"; undefined for an id that is not derived. */
export function aliasOf(userId: string): string | undefined {
  if (!isDerivedId(userId)) return undefined;
  return `Player ${userId.slice(PREFIX.length, PREFIX.length + ALIAS_LENGTH).toUpperCase()}`;
}
