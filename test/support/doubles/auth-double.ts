/** An auth service with one signing key, which it publishes to one caller. It signs tokens in memory. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { type Handlers, registerService } from '../../../services/shared/grpc/grpc.ts';
import type { ServiceName } from '../../../services/shared/identity/service-keys.ts';

const LIFETIME_S = 600;

export async function createAuthDouble(caller: ServiceName) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const refuse = () => Promise.reject(new AppError('CALLER_NOT_ALLOWED'));
  const handlers: Handlers<typeof AuthService> = {
    issueToken: refuse,
    verifyToken: refuse,
    signAction: refuse,
    signActions: refuse,
    verifyActions: refuse,
    getSubjectKeys: refuse,
    resolvePlayer: refuse,
    recordNames: refuse,
    getKeySet: async () => ({ jwksJson: JSON.stringify({ keys: [jwk] }) }),
  };
  return {
    registration: registerService(AuthService, handlers, {
      issueToken: [],
      verifyToken: [],
      signAction: [],
      signActions: [],
      verifyActions: [],
      getSubjectKeys: [],
      resolvePlayer: [],
      recordNames: [],
      getKeySet: [caller],
    }),
    /** A token of this player. Its name is the user id by default. */
    async token(
      userId: string,
      { name = userId, expiresInS = LIFETIME_S, audience = 'scoreboard' } = {},
    ): Promise<string> {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ name })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
        .setIssuer('scoreboard')
        .setAudience(audience)
        .setSubject(userId)
        .setJti(crypto.randomUUID())
        .setIssuedAt(Math.min(now, now + expiresInS - LIFETIME_S))
        .setExpirationTime(now + expiresInS)
        .sign(privateKey);
    },
  };
}
