/**
 * A token and a signature from the auth service of a running stack, as `cli token` and `cli sign` get them. In this process,
 * since each command costs half a second of processor time.
 */
import { readFileSync } from 'node:fs';
import { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { keyFile } from '../../../services/provision/secrets.ts';
import { createGrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { type StackFile, secretsDir } from '../../../services/shared/identity/stack-file.ts';
import { sentAgain } from '../clients/sent-again.ts';

export interface PlayerAction {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: number;
}

const LIMIT_MS = 10_000;

/** For a stack in development, whose services know each other by keys. */
function connectAuth(dataDir: string, { addresses }: StackFile) {
  return createGrpcClient(AuthService, {
    address: addresses?.authAddress ?? '',
    serviceKey: readFileSync(keyFile(secretsDir(dataDir), 'cli'), 'utf8').trim(),
    unavailable: 'AUTH_UNAVAILABLE',
  });
}

/** A token alone. */
export async function issueToken(
  dataDir: string,
  stack: StackFile,
  profile: { userId: string; username: string },
): Promise<string> {
  const auth = connectAuth(dataDir, stack);
  try {
    return (await sentAgain(() => auth.issueToken(profile, { limitMs: LIMIT_MS }))).accessToken;
  } finally {
    auth.close();
  }
}

export async function vouch(dataDir: string, stack: StackFile, action: PlayerAction) {
  const auth = connectAuth(dataDir, stack);
  try {
    const [{ accessToken }, { signature }] = await Promise.all([
      sentAgain(() => auth.issueToken({ userId: action.userId }, { limitMs: LIMIT_MS })),
      sentAgain(() =>
        auth.signAction({ action: { ...action, points: BigInt(action.points) } }, { limitMs: LIMIT_MS }),
      ),
    ]);
    return { token: accessToken, signature };
  } finally {
    auth.close();
  }
}
