/** Issues an access token for a player, after writing the player's profile. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { AppError } from '../../shared/errors/app-error.ts';
import { aliasOf } from '../../shared/tokens/players/player-id.ts';
import { TOKEN_ALGORITHM, TOKEN_TYPE } from '../../shared/tokens/rules/token-policy.ts';
import type { IsDenied } from '../../shared/values/denied-names.ts';
import { parseUserId } from '../../shared/values/identifiers.ts';
import { parseUsername, USERNAME_MAX_LENGTH } from '../../shared/values/username.ts';
import type { TokenSigner } from '../keys/key-ring.ts';
import type { GivenProfile, Profile } from '../profiles/profile-store.ts';

const MS_PER_S = 1000;

export interface TokenTerms {
  readonly issuer: string;
  readonly audience: string;
  readonly lifetimeS: number;
}

export interface IssuedToken {
  readonly accessToken: string;
  readonly expiresAtMs: number;
}

/**
 * The player of a requested token. Refuses with USERNAME_INVALID or USERNAME_DENIED. Without a name the user id stands in, cut to
 * the length of a name, or the alias of a derived one.
 */
export function parseProfile(
  request: { userId: string; username: string },
  isDenied: IsDenied,
): GivenProfile {
  const userId = parseUserId(request.userId);
  if (request.username === '') {
    const standIn = aliasOf(userId) ?? userId.slice(0, USERNAME_MAX_LENGTH);
    return { userId, username: standIn, isNamed: false };
  }
  const username = parseUsername(request.username);
  if (isDenied(username)) throw new AppError('USERNAME_DENIED');
  return { userId, username, isNamed: true };
}

export async function issueToken(
  { userId, username }: Profile,
  { issuer, audience, lifetimeS }: TokenTerms,
  { kid, privateKey }: TokenSigner,
  nowMs: number,
): Promise<IssuedToken> {
  const issuedAt = Math.floor(nowMs / MS_PER_S);
  const expiresAt = issuedAt + lifetimeS;
  const claims = {
    iss: issuer,
    aud: audience,
    sub: userId,
    iat: issuedAt,
    exp: expiresAt,
    jti: randomUUID(),
    name: username,
  };
  const accessToken = await new SignJWT(claims)
    .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid, typ: TOKEN_TYPE })
    .sign(privateKey);
  return { accessToken, expiresAtMs: expiresAt * MS_PER_S };
}
