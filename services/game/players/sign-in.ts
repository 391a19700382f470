/**
 * Signs players in. The demo believes any name and gives a new user id to whoever asks; a real game puts its own accounts
 * here. Either way the user id is the server's choice, never the client's.
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

export interface SignIn {
  /** A new player of this name. */
  create(username: string, requestId: string): Promise<SignedInPlayer>;
  /** A new token for a player whose old one still holds. */
  renew(player: Player, requestId: string): Promise<SignedInPlayer>;
}

/** 16 characters: beyond guessing, and beyond meeting by chance. */
const USER_ID_BYTES = 12;
/** One write of the player's profile and one signature. */
const DEADLINE_MS = 2_000;

export function createSignIn(auth: Pick<GrpcClient<typeof AuthService>, 'issueToken'>): SignIn {
  async function issue({ userId, username }: Player, requestId: string): Promise<SignedInPlayer> {
    const options = { deadlineMs: DEADLINE_MS, requestId };
    const { accessToken, expiresAt } = await auth.issueToken({ userId, username }, options);
    if (expiresAt === undefined) throw new Error('the auth service left out when the token expires');
    return { userId, username, accessToken, expiresAt: new Date(timestampMs(expiresAt)).toISOString() };
  }

  return {
    create: (username, requestId) =>
      issue({ userId: `p_${randomBytes(USER_ID_BYTES).toString('base64url')}`, username }, requestId),
    renew: issue,
  };
}
