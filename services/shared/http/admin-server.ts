/**
 * The operator's port of a process, apart from its public port: /metrics, /healthz (the process is alive) and /readyz (it can
 * take work). Bound to the loopback address by default.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, type Reason } from '../errors/app-error.ts';
import { joinHostPort } from '../net/host-port.ts';
import { type Troubles, watchDependencies } from '../stores/dependencies.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { answerError } from './error-answer.ts';
import { answerReadiness, HEALTHY } from './health-answer.ts';

export interface AdminServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  metrics: Metrics;
  /** What this process can't work without, by name: true when it works. */
  readiness: () => Record<string, boolean>;
  /** What it can work without for a while. A fault is reported here and in the log, and the process stays ready. */
  dependencies?: () => Troubles;
  log: Log;
}

export type AdminServer = Awaited<ReturnType<typeof startAdminServer>>;

/** Limit of one request. A scraper on the same host needs milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;

export async function startAdminServer({
  host,
  port,
  metrics,
  readiness,
  dependencies,
  log,
}: AdminServerOptions) {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      const answer = (status: number, body: string, contentType = 'application/json') =>
        response.writeHead(status, { 'content-type': contentType }).end(body);
      const refuse = (reason: Reason) => {
        const { status, body } = answerError(new AppError(reason));
        return answer(status, body);
      };
      if (request.method !== 'GET') return refuse('METHOD_NOT_ALLOWED');
      switch (request.url) {
        case '/metrics':
          return metrics.text().then(
            (body) => answer(200, body, metrics.contentType),
            () => refuse('INTERNAL'),
          );
        case '/healthz':
          return answer(200, HEALTHY);
        case '/readyz': {
          const { status, body } = answerReadiness(
            readiness(),
            dependencies && describeTroubles(dependencies()),
          );
          return answer(status, body);
        }
        default:
          return refuse('ROUTE_NOT_FOUND');
      }
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const watch = dependencies && watchDependencies({ look: dependencies, log });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    /** As "host:port". */
    address: joinHostPort(host, bound),
    close: () =>
      new Promise<void>((resolve) => {
        watch?.stop();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Each dependency by name with whether it works, and the reasons of those that do not. */
function describeTroubles(troubles: Troubles) {
  const entries = Object.entries(troubles);
  const missing = entries.filter(([, trouble]) => trouble !== undefined);
  return {
    dependencies: Object.fromEntries(entries.map(([name, trouble]) => [name, trouble === undefined])),
    ...(missing.length > 0 && { without: Object.fromEntries(missing) }),
  };
}
