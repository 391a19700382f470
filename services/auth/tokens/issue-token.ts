/** Issues an access token for a player, once the player's profile is on record. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { TOKEN_ALGORITHM, TOKEN_TYPE } from '../../shared/tokens/token-policy.ts';
import { parseUserId, parseUsername, USERNAME_MAX_LENGTH } from '../../shared/values/identifiers.ts';
import type { TokenSigner } from '../keys/key-ring.ts';
import type { Profile } from '../profiles/profile-store.ts';

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

/** Whom a token is asked for. Without a name the player goes by the user id, cut to the length of a name. */
export function parseProfile(request: { userId: string; username: string }): Profile {
  const userId = parseUserId(request.userId);
  const username =
    request.username === '' ? userId.slice(0, USERNAME_MAX_LENGTH) : parseUsername(request.username);
  return { userId, username };
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
