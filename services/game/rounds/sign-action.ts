/**
 * Has auth sign what this server saw happen. Each outcome is signed once: concurrent requests share one call, and after a
 * failed call the next request tries again, so no hit is lost.
 */
import type { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import type { Outcome } from './round.ts';

/** What the player's client submits to the scoreboard, unchanged. */
export interface SignedAction {
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

export interface Hit {
  readonly userId: string;
  readonly roundId: string;
  readonly outcome: Outcome;
  readonly requestId: string;
}

/** The player waits for the next target meanwhile. Signing is one computation without disk access. */
const DEADLINE_MS = 1_000;

export function createActionSigner(
  auth: Pick<GrpcClient<typeof AuthService>, 'signAction'>,
  onSigned: () => void,
): (hit: Hit) => Promise<SignedAction> {
  /** Entries live as long as the outcome in its round. */
  const signed = new WeakMap<Outcome, Promise<SignedAction>>();

  async function sign({ userId, roundId, outcome, requestId }: Hit): Promise<SignedAction> {
    const { target, points } = outcome;
    // Never repeats: no two rounds share an id, and each target is judged once.
    const actionId = `${roundId}-${target}`;
    const { signature } = await auth.signAction(
      { action: { userId, actionId, points: BigInt(points) } },
      { limitMs: DEADLINE_MS, requestId },
    );
    onSigned();
    return { actionId, points, signature };
  }

  return (hit) => {
    const known = signed.get(hit.outcome);
    if (known !== undefined) return known;
    const signing = sign(hit);
    signed.set(hit.outcome, signing);
    signing.catch(() => signed.delete(hit.outcome));
    return signing;
  };
}
