/** The few numbers that matter here: tokens issued, actions signed and judged, and how well calls are batched. */
import { type ActionVerdict, ActionVerdict_Status as Status } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { BATCH_BUCKETS, type Metrics } from '../shared/telemetry/metrics.ts';

export interface AuthMetrics {
  tokenIssued(): void;
  profilesWritten(batchSize: number): void;
  actionsSigned(batchSize: number): void;
  actionsVerified(verdicts: readonly ActionVerdict[]): void;
}

export function createAuthMetrics(metrics: Metrics): AuthMetrics {
  const tokens = metrics.counter('auth_tokens_issued_total', 'Access tokens issued.');
  const signed = metrics.counter('auth_actions_signed_total', 'Actions signed.');
  const verified = metrics.counter('auth_actions_verified_total', 'Signed actions judged, by verdict.', [
    'status',
  ]);
  const sizes = metrics.histogram('auth_batch_size', 'Items in one batch, by kind of work.', BATCH_BUCKETS, [
    'work',
  ]);
  return {
    tokenIssued: () => tokens.inc(),
    profilesWritten: (batchSize) => sizes.observe({ work: 'profiles' }, batchSize),
    actionsSigned(batchSize) {
      signed.inc(batchSize);
      sizes.observe({ work: 'sign' }, batchSize);
    },
    actionsVerified(verdicts) {
      const count = (status: Status) => verdicts.filter((verdict) => verdict.status === status).length;
      verified.inc({ status: 'valid' }, count(Status.VALID));
      verified.inc({ status: 'invalid' }, count(Status.INVALID));
      verified.inc({ status: 'expired' }, count(Status.EXPIRED));
      sizes.observe({ work: 'verify' }, verdicts.length);
    },
  };
}
