/** The user ids of outside players, and the keys that verifiers derive them with. Nothing is given before the key is confirmed. */
import { AppError } from '../../shared/errors/app-error.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import {
  createUserIdOf,
  isDerivedId,
  isSubject,
  subjectKeyOf,
  type UserIdOf,
} from '../../shared/tokens/players/player-id.ts';
import type { OutsideIssuer } from '../../shared/tokens/rules/outside-issuers.ts';
import { parseUserId } from '../../shared/values/identifiers.ts';
import type { FingerprintStore } from './fingerprint-store.ts';
import { fingerprintOf } from './subject-key.ts';

/** The answer of auth to verifiers that ask too early. */
const RETRY_AFTER_MS = 1_000;
const FOREIGN_KEY =
  'subject-key.json is not the key that derived the user ids of this database: restore it from a backup';

export interface PlayerIdsOptions {
  masterKey: Uint8Array;
  outside: readonly Pick<OutsideIssuer, 'issuer' | 'subjects'>[];
  fingerprints: FingerprintStore;
  log: Log;
}

export type PlayerIds = ReturnType<typeof createPlayerIds>;

export function createPlayerIds({ masterKey, outside, fingerprints, log }: PlayerIdsOptions) {
  const fingerprint = fingerprintOf(masterKey);
  const issuers = new Map(outside.map((each) => [each.issuer, each]));
  const derivers = new Map<string, UserIdOf>();
  let state: 'unknown' | 'confirmed' | 'foreign' = 'unknown';

  /** Asks Postgres until it has answered once. */
  async function confirm(): Promise<void> {
    if (state === 'unknown') {
      const kept = await fingerprints.keep(fingerprint);
      if (kept === fingerprint) state = 'confirmed';
      else if (kept !== undefined) state = 'foreign';
      if (state === 'foreign') log.error(FOREIGN_KEY);
    }
    if (state !== 'confirmed') throw new AppError('AUTH_UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
  }

  function deriverOf(issuer: string): UserIdOf {
    const known = derivers.get(issuer) ?? createUserIdOf(subjectKeyOf(masterKey, issuer));
    derivers.set(issuer, known);
    return known;
  }

  return {
    /** The subject key of each issuer; an empty one for an issuer whose ids are not derived here. */
    async subjectKeys(names: readonly string[]): Promise<Uint8Array[]> {
      await confirm();
      return names.map((name) =>
        issuers.get(name)?.subjects === 'derived' ? subjectKeyOf(masterKey, name) : new Uint8Array(),
      );
    },

    /** Refuses with ISSUER_UNKNOWN or SUBJECT_INVALID. */
    async userIdOf(issuer: string, subject: string): Promise<string> {
      const known = issuers.get(issuer);
      if (known === undefined) throw new AppError('ISSUER_UNKNOWN');
      const isRaw = known.subjects === 'raw';
      // A raw subject must not be the derived id of another issuer's player.
      if (isRaw ? isDerivedId(subject) : !isSubject(subject)) throw new AppError('SUBJECT_INVALID');
      if (isRaw) return parseUserId(subject);
      await confirm();
      return deriverOf(issuer)(subject);
    },

    /** What keeps outside players away; undefined while nothing is known to. */
    trouble: (): string | undefined => (state === 'foreign' ? FOREIGN_KEY : undefined),
  };
}
