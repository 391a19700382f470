/** The figures of the submit path: sizes and times of commits, and outcomes by reason. */
import { AppError } from '../../shared/errors/app-error.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS, type Metrics } from '../../shared/telemetry/metrics.ts';

export function createSubmitMetrics(metrics: Metrics) {
  const sizes = metrics.histogram('score_accept_batch_size', 'Actions per commit.', BATCH_BUCKETS);
  const seconds = metrics.histogram('score_accept_seconds', 'Time of one accept statement.', LATENCY_BUCKETS);
  const outcomes = metrics.counter('score_submissions_total', 'Submissions by outcome and reason.', [
    'outcome',
    'reason',
  ]);
  return {
    onBatch: (size: number) => sizes.observe(size),
    onAccepted: (startedMs: number) => seconds.observe((performance.now() - startedMs) / 1000),
    onAnswered(answers: ReadonlyArray<{ readonly replayed: boolean } | AppError>): void {
      let [accepted, replayed] = [0, 0];
      for (const answer of answers) {
        if (answer instanceof AppError) outcomes.inc({ outcome: 'refused', reason: answer.reason });
        else if (answer.replayed) replayed += 1;
        else accepted += 1;
      }
      outcomes.inc({ outcome: 'accepted', reason: '' }, accepted);
      outcomes.inc({ outcome: 'replayed', reason: '' }, replayed);
    },
  };
}
