/**
 * Whose tokens count, and how strictly they are read: one set of rules for our own access tokens and, when an outside
 * identity provider is configured, a second one for its tokens. The two never mix, since each issuer has its own rules.
 */
import { type Environment, optionalText, text } from '../settings/env.ts';

export interface OutsideIssuer {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
}

export interface TokenPolicy {
  readonly issuer: string;
  readonly audience: string;
  /** An identity provider whose tokens are accepted next to ours. */
  readonly idp?: OutsideIssuer;
}

/** Our only algorithm. Pinned, so that no header can choose another. */
export const TOKEN_ALGORITHM = 'ES256';
/** RFC 9068: says that this is an access token, so that no other kind of token can pass for one. */
export const TOKEN_TYPE = 'at+jwt';
/** Longest life of a token of ours; a key must outlive every token that it signed by this much. */
export const MAX_TOKEN_AGE_S = 60 * 60;
/** Identity providers issue for a day at most by default. */
export const MAX_OUTSIDE_TOKEN_AGE_S = 24 * 60 * 60;
/** Asymmetric only: a public key must never serve as the secret of an HMAC. */
const OUTSIDE_ALGORITHMS = ['ES256', 'RS256', 'EdDSA', 'PS256'];

/** How one issuer's tokens are read. */
export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Demanded in the header when set. */
  readonly type?: string;
  readonly requiredClaims: readonly string[];
  readonly maxAgeS: number;
  /** Ours carry a proper name and a key id; an outside issuer owes us neither. */
  readonly strict: boolean;
}

export function ownTokenRules({ issuer, audience }: TokenPolicy): TokenRules {
  return {
    issuer,
    audience,
    algorithms: [TOKEN_ALGORITHM],
    type: TOKEN_TYPE,
    requiredClaims: ['exp', 'iat', 'sub', 'jti'],
    maxAgeS: MAX_TOKEN_AGE_S,
    strict: true,
  };
}

export function outsideTokenRules({ issuer, audience }: OutsideIssuer): TokenRules {
  return {
    issuer,
    audience,
    algorithms: OUTSIDE_ALGORITHMS,
    requiredClaims: ['exp', 'iat', 'sub'],
    maxAgeS: MAX_OUTSIDE_TOKEN_AGE_S,
    strict: false,
  };
}

/** TOKEN_ISSUER and TOKEN_AUDIENCE, and IDP_JWKS_URL, IDP_ISSUER and IDP_AUDIENCE: all three of those or none. */
export function parseTokenPolicy(env: Environment): TokenPolicy {
  const issuer = text(env, 'TOKEN_ISSUER', 'scoreboard');
  const audience = text(env, 'TOKEN_AUDIENCE', 'scoreboard');
  const idp = parseOutsideIssuer(env);
  if (idp === undefined) return { issuer, audience };
  // The issuer decides which keys verify a token, so one name can't stand for two sets of keys.
  if (idp.issuer === issuer) throw new Error('IDP_ISSUER must differ from TOKEN_ISSUER');
  return { issuer, audience, idp };
}

function parseOutsideIssuer(env: Environment): OutsideIssuer | undefined {
  const jwksUrl = optionalText(env, 'IDP_JWKS_URL');
  const issuer = optionalText(env, 'IDP_ISSUER');
  const audience = optionalText(env, 'IDP_AUDIENCE');
  if (jwksUrl === undefined && issuer === undefined && audience === undefined) return undefined;
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) {
    throw new Error('IDP_JWKS_URL, IDP_ISSUER and IDP_AUDIENCE must be set together');
  }
  if (!/^https?:$/.test(URL.parse(jwksUrl)?.protocol ?? '')) {
    throw new Error('IDP_JWKS_URL must be an http or https address');
  }
  return { jwksUrl, issuer, audience };
}
