/** The outside issuers of a verifier: their rules, their keys, and the user ids of their players. */
import { Deadline } from '../flow/deadline.ts';
import type { KeySet, KeySetOptions } from './keys/key-set.ts';
import { createSubjectKeys, type SubjectKeysOptions } from './players/subject-keys.ts';
import type { OutsideIssuer } from './rules/outside-issuers.ts';
import type { DeriveUserId } from './rules/token-check.ts';
import { outsideTokenRules, type TokenRules } from './rules/token-policy.ts';

/** Servers of others get fewer requests than auth. */
const OUTSIDE_KEYS_REFRESH_MS = 60_000;
/**
 * A provider that publishes no key for a moment, while it is deployed for example, signs nobody out. One that has withdrawn all of
 * its keys does so after this.
 */
export const KEEP_THROUGH_EMPTY_MS = 10 * 60_000;
/** Limit of one fetch of keys. */
const FETCH_DEADLINE_MS = 2_000;
/** Longest key set of an outside provider, in characters. */
const MAX_JWKS_LENGTH = 256 * 1024;

/** Where the keys of an issuer come from, and how often. */
export type KeySource = Omit<KeySetOptions, 'clock' | 'log' | 'onKeysGone' | 'onFailed'>;

export interface Issuer {
  readonly rules: TokenRules;
  readonly keys: KeySet;
  /** Undefined when user ids are the subjects. */
  readonly derive?: DeriveUserId;
}

export interface OutsideIssuersOptions extends Pick<SubjectKeysOptions, 'auth' | 'log'> {
  /** Follows the keys of an issuer. */
  keySet: (issuer: string, source: KeySource) => KeySet;
}

export function createOutsideIssuers(
  outside: readonly OutsideIssuer[],
  { auth, log, keySet }: OutsideIssuersOptions,
) {
  const derived = outside.filter(({ subjects }) => subjects === 'derived').map(({ issuer }) => issuer);
  const subjectKeys = createSubjectKeys({ issuers: derived, auth, log });
  const issuers = outside.map((each): Issuer => {
    const { issuer, jwksUrl } = each;
    const keys = keySet(issuer, {
      name: issuer,
      fetch: () => fetchOutsideKeys(jwksUrl),
      refreshMs: OUTSIDE_KEYS_REFRESH_MS,
      keepThroughEmptyMs: KEEP_THROUGH_EMPTY_MS,
    });
    const derive = (subject: string) => subjectKeys.userIdOf(issuer, subject);
    return { rules: outsideTokenRules(each), keys, ...(derived.includes(issuer) && { derive }) };
  });
  return {
    issuers,
    /** Whether the tokens of one of them can be verified. */
    ready: (): boolean =>
      issuers.some(
        ({ rules, keys, derive }) => keys.held() && (derive === undefined || subjectKeys.has(rules.issuer)),
      ),
    close: (): void => subjectKeys.close(),
  };
}

/** The provider's key set, from the configured address only. */
async function fetchOutsideKeys(url: string): Promise<string> {
  const response = await fetch(url, {
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: Deadline.after(FETCH_DEADLINE_MS).signal(),
  });
  if (!response.ok || response.body === null) throw new Error(`the key set answered ${response.status}`);
  let json = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    json += text;
    if (json.length > MAX_JWKS_LENGTH) throw new Error('the key set is too large');
  }
  return json;
}
