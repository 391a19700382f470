/** The verify step: the auth service verifies the signatures of many callers' submissions in one call. */
import { ActionVerdict_Status, type AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import type { Deadline } from '../../shared/flow/deadline.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import { BATCH_BUCKETS, type Metrics } from '../../shared/telemetry/metrics.ts';
import type { QueuedAction } from './accept-lanes.ts';
import type { ParsedSubmission } from './parse-submission.ts';

export interface SignedAction {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly signature: string;
}

/** An action whose board is not looked up yet. */
export type VerifiedAction = Omit<QueuedAction, 'board'>;

export type SignatureVerifier = ReturnType<typeof createSignatureVerifier>;

const MAX_BATCH = 500;
const MAX_IN_FLIGHT = 2;
/** At 20,000 a second this is a fifth of a second of work. */
const MAX_QUEUE = 5_000;
const VERIFY_LIMIT_MS = 800;

export function createSignatureVerifier(auth: GrpcClient<typeof AuthService>, metrics: Metrics) {
  const sizes = metrics.histogram('score_verify_batch_size', 'Signatures per call to auth.', BATCH_BUCKETS);
  const coalescer = createCoalescer<SignedAction, string>({
    maxBatch: MAX_BATCH,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    onBatch: (size) => sizes.observe(size),
    send: async (actions) => {
      const { verdicts } = await auth.verifyActions(
        {
          actions: actions.map(({ leaderboard, userId, actionId, points, signature }) => ({
            action: { leaderboard, userId, actionId, points },
            signature,
          })),
        },
        { limitMs: VERIFY_LIMIT_MS },
      );
      return verdicts.map((verdict) => {
        switch (verdict.status) {
          case ActionVerdict_Status.VALID:
            return verdict.keyId;
          case ActionVerdict_Status.EXPIRED:
            return new AppError('SIGNATURE_EXPIRED');
          default:
            return new AppError('SIGNATURE_INVALID');
        }
      });
    },
  });
  return {
    /** For each action, in order, the id of the key that signed it, or why the signature is not valid. */
    verifyAll: (actions: readonly SignedAction[]) => coalescer.submitAll(actions),
    close: () => coalescer.close(),
  };
}

/** Turns submissions into actions. An unsigned one is from a service that is trusted to sign. */
export async function verifySubmissions(
  submissions: readonly ParsedSubmission[],
  verifier: Pick<SignatureVerifier, 'verifyAll'>,
  deadline: Deadline,
): Promise<Array<VerifiedAction | Error>> {
  const keyIds = await verifier.verifyAll(submissions.filter(({ signature }) => signature !== ''));
  let next = 0;
  return submissions.map(({ leaderboard, userId, username, actionId, points, caller, signature }) => {
    const keyId = signature === '' ? '' : (keyIds[next++] ?? new AppError('INTERNAL'));
    if (keyId instanceof Error) return keyId;
    return { leaderboard, userId, username, actionId, points, keyId, caller, deadline };
  });
}
