/** The metrics of the auth service: tokens issued, actions signed and verified, and the sizes of batches. */
import { type ActionVerdict, ActionVerdict_Status as Status } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { BATCH_BUCKETS, type Metrics } from '../shared/telemetry/metrics.ts';

export type AuthMetrics = ReturnType<typeof createAuthMetrics>;

export function createAuthMetrics(metrics: Metrics) {
  const tokens = metrics.counter('auth_tokens_issued_total', 'Access tokens issued.');
  const signed = metrics.counter('auth_actions_signed_total', 'Actions signed.');
  const verified = metrics.counter('auth_actions_verified_total', 'Signed actions judged, by verdict.', [
    'status',
  ]);
  const sizes = metrics.histogram('auth_batch_size', 'Items in one batch, by kind of work.', BATCH_BUCKETS, [
    'work',
  ]);
  return {
    tokenIssued: (): void => tokens.inc(),
    profilesWritten: (batchSize: number): void => sizes.observe({ work: 'profiles' }, batchSize),
    actionsSigned(batchSize: number): void {
      signed.inc(batchSize);
      sizes.observe({ work: 'sign' }, batchSize);
    },
    actionsVerified(verdicts: readonly ActionVerdict[]): void {
      const count = (status: Status) => verdicts.filter((verdict) => verdict.status === status).length;
      verified.inc({ status: 'valid' }, count(Status.VALID));
      verified.inc({ status: 'invalid' }, count(Status.INVALID));
      verified.inc({ status: 'expired' }, count(Status.EXPIRED));
      sizes.observe({ work: 'verify' }, verdicts.length);
    },
  };
}
