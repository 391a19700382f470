/**
 * The one place where a token is read. Strict by rule: pinned algorithms, issuer, audience and kind, every required
 * claim, a limited age, and a key that only our own key set can supply. Whatever is wrong, the answer is the same
 * TOKEN_INVALID, so that a forger learns nothing from it.
 */
import { type CryptoKey, errors, type JWSHeaderParameters, type JWTPayload, jwtVerify } from 'jose';
import { AppError } from '../errors/app-error.ts';
import { isUserId, isUsername, USERNAME_MAX_LENGTH } from '../values/identifiers.ts';
import type { TokenRules } from './token-policy.ts';

/** Longest token that is looked at at all. Ours have about 400 bytes; outside ones carry more claims. */
export const MAX_TOKEN_LENGTH = 4096;
/** How far the clocks of issuer and reader may differ. */
export const CLOCK_TOLERANCE_S = 5;
/** Headers that carry a key, say where to fetch one, or change how the token is to be read. */
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64'];
/** All that a token of ours has in its header. */
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
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface ParsedToken {
  readonly token: string;
  readonly header: Readonly<Record<string, unknown>>;
  /** Not verified yet: good for choosing the rules, nothing else. */
  readonly claimedIssuer: unknown;
}

export const tokenInvalid = (): AppError => new AppError('TOKEN_INVALID');

/** Reads one part. Refuses every spelling but the canonical one, since Buffer's decoder is lenient. */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

function decodeObject(part: string): Record<string, unknown> | undefined {
  try {
    // What is no part at all is no JSON either.
    const value: unknown = JSON.parse(String(decodePart(part)));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Not JSON.
  }
  return undefined;
}

/** Takes a token apart without believing it. */
export function parseToken(token: string): ParsedToken {
  if (token.length > MAX_TOKEN_LENGTH) throw tokenInvalid();
  const parts = token.split('.');
  if (parts.length !== 3) throw tokenInvalid();
  const [headerPart, payloadPart, signaturePart] = parts as [string, string, string];
  const header = decodeObject(headerPart);
  const payload = decodeObject(payloadPart);
  if (header === undefined || payload === undefined || decodePart(signaturePart) === undefined) {
    throw tokenInvalid();
  }
  return { token, header, claimedIssuer: payload.iss };
}

function headerAllowed(header: Readonly<Record<string, unknown>>, rules: TokenRules): boolean {
  if (FORBIDDEN_HEADERS.some((name) => Object.hasOwn(header, name))) return false;
  if (!rules.algorithms.some((algorithm) => algorithm === header.alg)) return false;
  // Not left to jose, which would also take "application/at+jwt" and any case of it: we write one spelling and read one.
  if (rules.type !== undefined && header.typ !== rules.type) return false;
  if (!rules.strict) return true;
  return typeof header.kid === 'string' && Object.keys(header).every((name) => OWN_HEADERS.includes(name));
}

/** The identity in a verified payload, or undefined when it names nobody we could know. */
function readIdentity(payload: JWTPayload, keyId: unknown, rules: TokenRules): Identity | undefined {
  const { sub, jti, exp, iat } = payload;
  if (!isUserId(sub) || exp === undefined || iat === undefined) return undefined;
  if (rules.strict && (typeof jti !== 'string' || jti === '' || !isUsername(payload.name))) return undefined;
  return {
    userId: sub,
    username: isUsername(payload.name) ? payload.name : sub.slice(0, USERNAME_MAX_LENGTH),
    tokenId: typeof jti === 'string' ? jti : '',
    issuer: rules.issuer,
    keyId: typeof keyId === 'string' ? keyId : '',
    issuedAtMs: Math.floor(iat) * MS_PER_S,
    expiresAtMs: Math.floor(Math.min(exp, iat + rules.maxAgeS)) * MS_PER_S,
  };
}

/** Verifies a token under one issuer's rules. Throws TOKEN_INVALID, or whatever `findKey` throws as an AppError. */
export async function checkToken(
  parsed: ParsedToken,
  rules: TokenRules,
  findKey: (header: JWSHeaderParameters) => Promise<CryptoKey | undefined>,
  nowMs: number,
): Promise<Identity> {
  if (!headerAllowed(parsed.header, rules)) throw tokenInvalid();
  const key = await findKey(parsed.header as JWSHeaderParameters);
  if (key === undefined) throw tokenInvalid();
  try {
    const { payload } = await jwtVerify(parsed.token, key, {
      algorithms: [...rules.algorithms],
      issuer: rules.issuer,
      audience: rules.audience,
      requiredClaims: [...rules.requiredClaims],
      maxTokenAge: rules.maxAgeS,
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(nowMs),
    });
    const identity = readIdentity(payload, parsed.header.kid, rules);
    if (identity === undefined) throw tokenInvalid();
    return identity;
  } catch (error) {
    // A TypeError speaks of a key that does not do for its algorithm, such as a short RSA key.
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw tokenInvalid();
    throw error;
  }
}
