/** Makes actions and has them signed, many at a time, before any clock starts. Every action id is used once. */
import { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createGrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { conventionalSignature, type Player, type SubmitForm, submitRequest } from './requests.ts';

/** Who vouches for the actions. */
export type Signer =
  | { kind: 'auth'; address: string; serviceKey: string }
  | { kind: 'conventional'; secret: string };

export interface PrepareOptions {
  form: SubmitForm;
  signer: Signer;
  players: readonly Player[];
  /** Action ids are this and a number. */
  prefix: string;
  count: number;
  /** Points of every action; from 1 to 100, as it comes, when left out. */
  points?: number | undefined;
  /** The default board if left out. */
  leaderboard?: string | undefined;
}

const BATCH = 500;
const BATCHES_IN_FLIGHT = 4;
const DEADLINE_MS = 20_000;
const MOST_POINTS = 100;
/** A multiplier without a common factor with the number of players walks through all of them in no visible order. */
export const STRIDE = 7_919;

export function actionIdOf(prefix: string, index: number): string {
  return `${prefix}-${index.toString(36)}`;
}

export async function prepareSubmissions(options: PrepareOptions): Promise<Buffer[]> {
  const { form, signer, players, prefix, count, leaderboard } = options;
  const requests: Buffer[] = new Array<Buffer>(count);
  const sign = signerOf(signer);
  let next = 0;
  async function work(): Promise<void> {
    while (next < count) {
      const first = next;
      next += BATCH;
      const actions = Array.from({ length: Math.min(BATCH, count - first) }, (_, offset) => {
        const index = first + offset;
        const player = players[(index * STRIDE) % players.length];
        if (player === undefined) throw new Error('there are no players');
        const points = options.points ?? 1 + (index % MOST_POINTS);
        return { player, userId: player.userId, actionId: actionIdOf(prefix, index), points, leaderboard };
      });
      const signatures = await sign.all(actions);
      for (const [offset, action] of actions.entries()) {
        const signature = signatures[offset] ?? '';
        requests[first + offset] = submitRequest(form, action.player, { ...action, signature });
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, work));
  } finally {
    sign.close();
  }
  return requests;
}

interface Unsigned {
  readonly userId: string;
  readonly actionId: string;
  readonly points: number;
  readonly leaderboard?: string | undefined;
}

function signerOf(signer: Signer): { all(actions: readonly Unsigned[]): Promise<string[]>; close(): void } {
  if (signer.kind === 'conventional') {
    const { secret } = signer;
    const one = ({ userId, actionId, points }: Unsigned) =>
      conventionalSignature(secret, userId, actionId, points);
    return { all: async (actions) => actions.map(one), close() {} };
  }
  const { address, serviceKey } = signer;
  const auth = createGrpcClient(AuthService, { address, serviceKey, unavailable: 'AUTH_UNAVAILABLE' });
  return {
    async all(actions) {
      const message = actions.map(({ userId, actionId, points, leaderboard = 'global' }) => ({
        leaderboard,
        userId,
        actionId,
        points: BigInt(points),
      }));
      const { signatures } = await auth.signActions({ actions: message }, { limitMs: DEADLINE_MS });
      return signatures.map(({ signature }) => signature);
    },
    close: () => auth.close(),
  };
}
