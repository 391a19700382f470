/**
 * Signs players in. The demo accepts any name and creates a new user id for each sign-in; a real game looks up its own
 * accounts here. In both cases the server chooses the user id, never the client.
 */
import { randomBytes } from 'node:crypto';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';

export interface Player {
  readonly userId: string;
  readonly username: string;
}

export interface SignedInPlayer extends Player {
  readonly accessToken: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** 96 random bits, 16 characters: no two players get the same id, and none can be guessed. */
const USER_ID_BYTES = 12;
/** Auth writes the profile and signs one token. */
const DEADLINE_MS = 2_000;

export type SignIn = ReturnType<typeof createSignIn>;

export function createSignIn(auth: Pick<GrpcClient<typeof AuthService>, 'issueToken'>) {
  async function issue({ userId, username }: Player, requestId: string): Promise<SignedInPlayer> {
    const options = { limitMs: DEADLINE_MS, requestId };
    const issued = await auth.issueToken({ userId, username }, options);
    const { accessToken, expiresAt } = issued;
    if (expiresAt === undefined) throw new Error('auth answered without the expiry of the token');
    return {
      ...{ userId, username: issued.username, accessToken },
      expiresAt: new Date(timestampMs(expiresAt)).toISOString(),
    };
  }

  return {
    /** Creates a player of this name. */
    create(username: string, requestId: string): Promise<SignedInPlayer> {
      const userId = `p_${randomBytes(USER_ID_BYTES).toString('base64url')}`;
      return issue({ userId, username }, requestId);
    },
    /** Issues a new token to a player whose current one is valid. That one may contain an older name. */
    renew: (userId: string, requestId: string) => issue({ userId, username: '' }, requestId),
  };
}
