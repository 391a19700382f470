/** The answers of /healthz and /readyz, the same on every port that has them. */

/** The body of /healthz: the process is alive. */
export const HEALTHY = '{"status":"ok"}';

export interface ReadinessAnswer {
  readonly status: 200 | 503;
  /** JSON. */
  readonly body: string;
}

/** The answer of /readyz. `checks` says by name what works; the process is ready if all of it does. `more` is added to the body. */
export function answerReadiness(
  checks: Readonly<Record<string, boolean>>,
  more: object = {},
): ReadinessAnswer {
  const isReady = Object.values(checks).every(Boolean);
  const status = isReady ? 'ready' : 'not ready';
  return { status: isReady ? 200 : 503, body: JSON.stringify({ status, checks, ...more }) };
}
