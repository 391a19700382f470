/** Asks the auth service whether signatures hold: many callers, one call. */
import { ActionVerdict_Status, type AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import { BATCH_BUCKETS, type Metrics } from '../../shared/telemetry/metrics.ts';

export interface SignedAction {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly signature: string;
}

export interface SignatureVerifier {
  /** For each action, in order, the id of the key that signed, or why the signature does not count. */
  verifyAll(actions: readonly SignedAction[]): Promise<ReadonlyArray<string | Error>>;
  close(): Promise<void>;
}

const MAX_BATCH = 500;
const MAX_IN_FLIGHT = 2;
/** At 20,000 a second this is a fifth of a second of work. */
const MAX_QUEUE = 5_000;
const DEADLINE_MS = 800;

export function createSignatureVerifier(
  auth: GrpcClient<typeof AuthService>,
  metrics: Metrics,
): SignatureVerifier {
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
        { deadlineMs: DEADLINE_MS },
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
  return { verifyAll: (actions) => coalescer.submitAll(actions), close: () => coalescer.close() };
}
