/**
 * The one place where a token is read. The rules are strict: pinned algorithms, issuer, audience and kind, every required claim,
 * a limited age, and a key from the issuer's own key set only. Every fault has the same answer, TOKEN_INVALID, so that a forger
 * learns nothing from it; the rule that failed is for the operator.
 */
import { type CryptoKey, errors, type JWSHeaderParameters, type JWTPayload, jwtVerify } from 'jose';
import { isUserId } from '../../values/identifiers.ts';
import { readUsername, USERNAME_MAX_LENGTH } from '../../values/username.ts';
import { aliasOf, isDerivedId, isSubject } from '../players/player-id.ts';
import { readShownName } from '../players/shown-name.ts';
import type { TokenRules } from './token-policy.ts';
import { type RefusedToken, TokenRefusal, type TokenRule } from './token-refusal.ts';

/** Longest token that is read. Ours have about 400 bytes; outside ones with groups and roles have several thousand. */
export const MAX_TOKEN_LENGTH = 8 * 1024;
/** Headers that contain a key, say where to fetch one, or change how the token is read. */
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64'];
/** The complete header of our own tokens. */
const OWN_HEADERS = ['alg', 'kid', 'typ'];
const MS_PER_S = 1000;

export interface Identity {
  readonly userId: string;
  readonly username: string;
  /** The token's `jti`; empty for an outside token without one. */
  readonly tokenId: string;
  readonly issuer: string;
  /** The `kid` of the key that signed; empty for an outside token without one. */
  readonly keyId: string;
  /** The earliest time of issue: an outside issuer's clock may be ahead, and a revocation must not miss its tokens. */
  readonly issuedAtMs: number;
  /** When it is no longer accepted. */
  readonly expiresAtMs: number;
}

/** The user id of an outside subject. */
export type DeriveUserId = (subject: string) => Promise<string>;

export interface ParsedToken {
  readonly token: string;
  readonly header: Readonly<Record<string, unknown>>;
  /** Not verified yet: use it to choose the rules and for nothing else. */
  readonly claimedIssuer: unknown;
}

/** A refusal that names what the token claims to be. */
export function refuseToken(
  rule: TokenRule,
  { header, claimedIssuer }: Pick<ParsedToken, 'header' | 'claimedIssuer'>,
  detail?: string,
): TokenRefusal {
  const told: RefusedToken = { issuer: claimedIssuer, algorithm: header.alg, keyId: header.kid };
  return new TokenRefusal(rule, detail === undefined ? told : { ...told, detail });
}

/** Decodes one part. Refuses every spelling but the canonical one, since Buffer's decoder is lenient. */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

function decodeObject(part: string): Record<string, unknown> | undefined {
  try {
    // A missing part is not JSON either.
    const value: unknown = JSON.parse(String(decodePart(part)));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Not JSON.
  }
  return undefined;
}

/** Splits a token into its parts without verifying it. */
export function parseToken(token: string): ParsedToken {
  if (token.length > MAX_TOKEN_LENGTH) throw new TokenRefusal('size');
  const parts = token.split('.');
  if (parts.length !== 3) throw new TokenRefusal('form');
  const [headerPart, payloadPart, signaturePart] = parts as [string, string, string];
  const header = decodeObject(headerPart);
  const payload = decodeObject(payloadPart);
  if (header === undefined || payload === undefined || decodePart(signaturePart) === undefined) {
    throw new TokenRefusal('form');
  }
  return { token, header, claimedIssuer: payload.iss };
}

/** The rule that the header fails. */
function faultOfHeader(header: Readonly<Record<string, unknown>>, rules: TokenRules): TokenRule | undefined {
  if (FORBIDDEN_HEADERS.some((name) => Object.hasOwn(header, name))) return 'header';
  if (!rules.algorithms.some((algorithm) => algorithm === header.alg)) return 'algorithm';
  // Not left to jose, which also accepts "application/at+jwt" in any case: we write one spelling and read one.
  if (rules.type !== undefined && header.typ !== rules.type) return 'type';
  if (!rules.strict) return undefined;
  const isOwn =
    typeof header.kid === 'string' && Object.keys(header).every((name) => OWN_HEADERS.includes(name));
  return isOwn ? undefined : 'header';
}

/** What jose found, as one of our rules. */
function ruleOf(error: errors.JOSEError | TypeError): TokenRule {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? 'too_old' : 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing') return 'claim_missing';
    if (error.claim === 'iss') return 'issuer';
    const isTime = error.claim === 'nbf' || error.claim === 'iat';
    return isTime && error.reason === 'check_failed' ? 'not_yet_valid' : 'claim_invalid';
  }
  // A TypeError means a key that does not suit its algorithm, such as a short RSA key.
  return error instanceof TypeError ? 'key' : 'form';
}

/** The rule that the claims of a verified token fail, and how. */
function faultOfClaims(payload: JWTPayload, rules: TokenRules): [TokenRule, string] | undefined {
  const given = rules.audienceClaims.flatMap((name) => payload[name] ?? []);
  if (!given.some((value) => rules.audiences.some((audience) => audience === value))) {
    const names = rules.audienceClaims.join(', ');
    return ['audience', `${names}: ${JSON.stringify(given)}, required: ${JSON.stringify(rules.audiences)}`];
  }
  for (const [name, values] of Object.entries(rules.claimValues)) {
    if (values.some((value) => value === payload[name])) continue;
    return ['required_claim', `${name} is not one of ${JSON.stringify(values)}`];
  }
  return undefined;
}

/** Undefined if the subject can't name a player. */
async function readUserId(
  sub: unknown,
  { strict }: TokenRules,
  derive: DeriveUserId | undefined,
): Promise<string | undefined> {
  if (derive === undefined) return isUserId(sub) && (strict || !isDerivedId(sub)) ? sub : undefined;
  return isSubject(sub) ? derive(sub) : undefined;
}

function readName(payload: JWTPayload, rules: TokenRules): string | undefined {
  if (rules.strict) return readUsername(payload.name);
  return readShownName(payload, rules.nameClaims, String(payload.sub));
}

/** The identity in a verified payload; undefined when its names do not match our grammar. */
function readIdentity(
  payload: JWTPayload,
  userId: string,
  keyId: unknown,
  rules: TokenRules,
): Identity | undefined {
  const { jti, exp, iat } = payload;
  const name = readName(payload, rules);
  if (exp === undefined || iat === undefined) return undefined;
  if (rules.strict && (name === undefined || typeof jti !== 'string' || jti === '')) return undefined;
  // Our own hosts share a clock, and a socket of ours never outlives its token.
  const slackS = rules.strict ? 0 : rules.clockToleranceS;
  return {
    userId,
    username: name ?? aliasOf(userId) ?? userId.slice(0, USERNAME_MAX_LENGTH),
    tokenId: typeof jti === 'string' ? jti : '',
    issuer: rules.issuer,
    keyId: typeof keyId === 'string' ? keyId : '',
    issuedAtMs: Math.floor(iat - slackS) * MS_PER_S,
    expiresAtMs: Math.floor(Math.min(exp, iat + rules.maxAgeS) + slackS) * MS_PER_S,
  };
}

/**
 * Verifies a token under one issuer's rules. Throws a TokenRefusal, or whatever `findKey` and `derive` throw as an AppError.
 * Without `derive` the subject is the user id.
 */
export async function checkToken(
  parsed: ParsedToken,
  rules: TokenRules,
  findKey: (header: JWSHeaderParameters) => Promise<CryptoKey | undefined>,
  nowMs: number,
  derive?: DeriveUserId,
): Promise<Identity> {
  const fault = faultOfHeader(parsed.header, rules);
  if (fault !== undefined) throw refuseToken(fault, parsed);
  const key = await findKey(parsed.header as JWSHeaderParameters);
  if (key === undefined) throw refuseToken('key', parsed, 'no key of the issuer matches');
  try {
    const { payload } = await jwtVerify(parsed.token, key, {
      algorithms: [...rules.algorithms],
      issuer: rules.issuer,
      requiredClaims: [...rules.requiredClaims],
      maxTokenAge: rules.maxAgeS,
      clockTolerance: rules.clockToleranceS,
      currentDate: new Date(nowMs),
    });
    const wrong = faultOfClaims(payload, rules);
    if (wrong !== undefined) throw refuseToken(wrong[0], parsed, wrong[1]);
    const userId = await readUserId(payload.sub, rules, derive);
    if (userId === undefined) throw refuseToken('subject', parsed);
    const identity = readIdentity(payload, userId, parsed.header.kid, rules);
    if (identity === undefined) throw refuseToken('claim_invalid', parsed);
    return identity;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) {
      throw refuseToken(ruleOf(error), parsed, error.message);
    }
    throw error;
  }
}
