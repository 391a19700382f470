/** Tokens and signed actions, made in advance, so that players can play on while the auth service is away. */
import { readFileSync } from 'node:fs';
import { decodeJwt } from 'jose';
import { AuthService } from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { keyFile } from '../../../../services/provision/secrets.ts';
import { createGrpcClient } from '../../../../services/shared/grpc/grpc.ts';
import { secretsDir } from '../../../../services/shared/identity/stack-file.ts';

export interface SignedAction {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

export interface Signer {
  /** Rejects while the clock of auth is off. */
  token(userId: string): Promise<string>;
  sign(actions: readonly Omit<SignedAction, 'signature'>[]): Promise<SignedAction[]>;
  close(): void;
}

const DEADLINE_MS = 5_000;
/** A token of another time is not yet, or no longer, good elsewhere. */
const CLOCK_LIMIT_S = 30;

export function createSigner({ dataDir, authAddress }: { dataDir: string; authAddress: string }): Signer {
  const serviceKey = readFileSync(keyFile(secretsDir(dataDir), 'game'), 'utf8').trim();
  const auth = createGrpcClient(AuthService, {
    address: authAddress,
    serviceKey,
    unavailable: 'AUTH_UNAVAILABLE',
  });
  return {
    async token(userId) {
      const { accessToken } = await auth.issueToken({ userId, username: userId }, { limitMs: DEADLINE_MS });
      const { iat = 0 } = decodeJwt(accessToken);
      if (Math.abs(iat - Date.now() / 1_000) > CLOCK_LIMIT_S) throw new Error('the clock of auth is off');
      return accessToken;
    },
    async sign(actions) {
      const asked = actions.map((action) => ({ ...action, points: BigInt(action.points) }));
      const { signatures } = await auth.signActions({ actions: asked }, { limitMs: DEADLINE_MS });
      return actions.map((action, at) => ({ ...action, signature: signatures[at]?.signature ?? '' }));
    },
    close: () => auth.close(),
  };
}
