/** Who calls: the bearer token in the Authorization header, and nothing else. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { Identity, TokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';

/** The scheme's name has no case; one space follows it. */
const SCHEME = /^bearer /i;
const SCHEME_LENGTH = 'Bearer '.length;

/** The identity at once when the token was verified before. Refuses with TOKEN_REQUIRED or TOKEN_INVALID. */
export function authenticate(verifier: TokenVerifier, authorization: string): Identity | Promise<Identity> {
  if (!SCHEME.test(authorization)) throw new AppError('TOKEN_REQUIRED');
  return verifier.verify(authorization.slice(SCHEME_LENGTH));
}
