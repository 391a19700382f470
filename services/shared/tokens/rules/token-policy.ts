/**
 * Whose tokens are accepted, and how strictly they are read: one set of rules for our own access tokens, and one for each outside
 * issuer that is configured. They never mix, since each issuer has its own rules and its own keys.
 */
import { type Environment, text } from '../../settings/env.ts';
import { type OutsideIssuer, parseOutsideIssuers } from './outside-issuers.ts';

export interface TokenPolicy {
  readonly issuer: string;
  readonly audience: string;
  /** Identity providers whose tokens are accepted next to ours. */
  readonly outside: readonly OutsideIssuer[];
}

/** Our only algorithm. Pinned, so that no header can choose another. */
export const TOKEN_ALGORITHM = 'ES256';
/** RFC 9068: marks an access token, so that no other kind of token can pass for one. */
export const TOKEN_TYPE = 'at+jwt';
/** Longest lifetime of our own tokens. A key verifies for this long after its last signature. */
export const MAX_TOKEN_AGE_S = 60 * 60;
/** How far the clocks of our own hosts may differ. */
export const CLOCK_TOLERANCE_S = 5;
/** How far the clock of an outside issuer may differ from ours. */
export const OUTSIDE_CLOCK_TOLERANCE_S = 60;

/** How one issuer's tokens are read. */
export interface TokenRules {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** The claims that may hold the audience; one of them must. */
  readonly audienceClaims: readonly string[];
  readonly algorithms: readonly string[];
  /** Required in the header when set. */
  readonly type?: string;
  readonly requiredClaims: readonly string[];
  /** Claims that must have one of the values. */
  readonly claimValues: OutsideIssuer['requiredClaims'];
  /** Claims that may give the name to show, the best first. */
  readonly nameClaims: readonly string[];
  readonly maxAgeS: number;
  readonly clockToleranceS: number;
  /** Our own tokens have a username and a key id. Those of an outside issuer need neither. */
  readonly strict: boolean;
}

export function ownTokenRules({ issuer, audience }: Pick<TokenPolicy, 'issuer' | 'audience'>): TokenRules {
  return {
    issuer,
    audiences: [audience],
    audienceClaims: ['aud'],
    algorithms: [TOKEN_ALGORITHM],
    type: TOKEN_TYPE,
    requiredClaims: ['exp', 'iat', 'sub', 'jti'],
    claimValues: {},
    nameClaims: ['name'],
    maxAgeS: MAX_TOKEN_AGE_S,
    clockToleranceS: CLOCK_TOLERANCE_S,
    strict: true,
  };
}

export function outsideTokenRules(outside: OutsideIssuer): TokenRules {
  const { issuer, audiences, audienceClaims, algorithms, nameClaims, maxAgeS } = outside;
  return {
    ...{ issuer, audiences, audienceClaims, algorithms, nameClaims, maxAgeS },
    requiredClaims: ['exp', 'iat', 'sub'],
    claimValues: outside.requiredClaims,
    clockToleranceS: OUTSIDE_CLOCK_TOLERANCE_S,
    strict: false,
  };
}

/** TOKEN_ISSUER and TOKEN_AUDIENCE, and the outside issuers of IDP_FILE and of the IDP settings. */
export function parseTokenPolicy(env: Environment): TokenPolicy {
  const issuer = text(env, 'TOKEN_ISSUER');
  const audience = text(env, 'TOKEN_AUDIENCE');
  const outside = parseOutsideIssuers(env);
  // The issuer decides which keys verify a token, so one name can't have two sets of keys.
  if (outside.some((each) => each.issuer === issuer)) {
    throw new Error('an outside issuer (IDP_ISSUER or IDP_FILE) must differ from TOKEN_ISSUER');
  }
  return { issuer, audience, outside };
}
