/** Authenticates a caller by the bearer token in the Authorization header, and by nothing else. */
import { AppError } from '../errors/app-error.ts';
import type { Identity, TokenVerifier } from './token-verifier.ts';

/** The scheme is case-insensitive; one space follows it. */
const SCHEME = /^bearer /i;
const SCHEME_LENGTH = 'Bearer '.length;

/** Returns the identity without a promise if the token is in the cache. Refuses with TOKEN_REQUIRED, or as the verifier does. */
export function authenticate(verifier: TokenVerifier, authorization: string): Identity | Promise<Identity> {
  if (!SCHEME.test(authorization)) throw new AppError('TOKEN_REQUIRED');
  return verifier.verify(authorization.slice(SCHEME_LENGTH));
}
