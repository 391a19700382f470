/** The commands whose output is values alone: tokens and signatures, one or as many as there are lines. */
import type { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { GrpcClient } from '../shared/grpc.ts';
import { type Action, parseActionLine, parseTokenLine } from './command-line.ts';
import { mapLines } from './map-lines.ts';

type Auth = GrpcClient<typeof AuthService>;

export interface Streams {
  chunks: AsyncIterable<string>;
  write: (text: string) => Promise<void>;
}

/** A person waits; a file of thousands waits behind its own batches. */
const DEADLINE_MS = 10_000;
/** One message stays well below the service's limit of 1,000 actions. */
const SIGN_BATCH = 500;
const SIGN_BATCHES_IN_FLIGHT = 4;
/** The service joins what arrives together into one write of profiles. */
const TOKENS_IN_FLIGHT = 64;

export async function issueToken(
  auth: Auth,
  { userId, username }: { userId: string; username: string },
): Promise<string> {
  const { accessToken } = await auth.issueToken({ userId, username }, { deadlineMs: DEADLINE_MS });
  return accessToken;
}

export function issueTokens(auth: Auth, { chunks, write }: Streams): Promise<void> {
  return mapLines({
    chunks,
    parse: parseTokenLine,
    send: async (users) => Promise.all(users.map((userId) => issueToken(auth, { userId, username: '' }))),
    batchSize: 1,
    inFlight: TOKENS_IN_FLIGHT,
    write,
  });
}

export async function signAction(auth: Auth, action: Action): Promise<string> {
  const [signature = ''] = await signActions(auth, [action]);
  return signature;
}

export function signLines(auth: Auth, leaderboard: string, { chunks, write }: Streams): Promise<void> {
  return mapLines({
    chunks,
    parse: (line) => parseActionLine(line, leaderboard),
    send: (actions) => signActions(auth, actions),
    batchSize: SIGN_BATCH,
    inFlight: SIGN_BATCHES_IN_FLIGHT,
    write,
  });
}

async function signActions(auth: Auth, actions: readonly Action[]): Promise<string[]> {
  const { signatures } = await auth.signActions({ actions: [...actions] }, { deadlineMs: DEADLINE_MS });
  if (signatures.length !== actions.length) throw new Error('the auth service left signatures out');
  return signatures.map(({ signature }) => signature);
}
