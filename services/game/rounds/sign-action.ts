/**
 * Vouches for what this server saw happen. Every outcome is signed once however often it is asked for: callers at the
 * same time share one call, and when it fails the next caller tries again, so a hit that was made is never lost.
 */
import type { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import type { Outcome } from './round.ts';

/** What the player's client hands to the scoreboard, unchanged. */
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

/** A player waits for the next target meanwhile; a signature is one computation and no disk. */
const DEADLINE_MS = 1_000;

export function createActionSigner(
  auth: Pick<GrpcClient<typeof AuthService>, 'signAction'>,
  onSigned: () => void,
): (hit: Hit) => Promise<SignedAction> {
  /** Lives as long as the outcome does in its round. */
  const signed = new WeakMap<Outcome, Promise<SignedAction>>();

  async function sign({ userId, roundId, outcome, requestId }: Hit): Promise<SignedAction> {
    const { target, points } = outcome;
    // Unique for ever: no two rounds share an id, and a target is judged once.
    const actionId = `${roundId}-${target}`;
    const { signature } = await auth.signAction(
      { action: { userId, actionId, points: BigInt(points) } },
      { deadlineMs: DEADLINE_MS, requestId },
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
