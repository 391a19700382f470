/**
 * Counts what the public port answered. The labels are bounded: clients choose neither a route nor a status nor a reason, and
 * every path that is no route counts as "other".
 */
import type { Reason } from '../../../services/shared/errors/app-error.ts';
import type { HttpStatus } from '../../../services/shared/errors/http-status.ts';
import type { Metrics } from '../../../services/shared/telemetry/metrics.ts';

const OTHER = 'other';

export type RequestCounts = ReturnType<typeof createRequestCounts>;

export function createRequestCounts(metrics: Metrics) {
  const answered = metrics.counter('edge_requests_total', 'Requests answered, by route and status.', [
    'route',
    'status',
  ]);
  const refused = metrics.counter('edge_requests_refused_total', 'Requests refused, by reason.', ['reason']);
  /** The library finds a counter by its labels more slowly than a request is routed. */
  const counters = new Map<string, ReturnType<typeof answered.labels>>();
  return {
    /** `route` is the path as it is registered; undefined if there is none. */
    answered(status: HttpStatus, route: string = OTHER): void {
      const key = `${status} ${route}`;
      let counter = counters.get(key);
      if (counter === undefined) {
        counter = answered.labels(route, String(status));
        counters.set(key, counter);
      }
      counter.inc();
    },
    /** A gRPC-web answer carries its refusal inside a status of 200. */
    refused: (reason: Reason): void => refused.inc({ reason }),
  };
}
