/**
 * The operator's side door of a process, apart from its public port: /metrics, /healthz (it lives) and /readyz
 * (send it work). Bound to the loopback address unless the configuration says otherwise.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { REASONS, type Reason } from '../errors/app-error.ts';
import type { HttpStatus } from '../errors/http-status.ts';
import { type Troubles, watchDependencies } from '../stores/dependencies.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface AdminServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  metrics: Metrics;
  /** What this process can't do without, by name: true when it works. */
  readiness: () => Record<string, boolean>;
  /** What it can do without for a while: told here and in the log, and no reason to send work elsewhere. */
  dependencies?: () => Troubles;
  log: Log;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Slowest request we wait for; a scraper on the same host needs milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;

export async function startAdminServer({
  host,
  port,
  metrics,
  readiness,
  dependencies,
  log,
}: AdminServerOptions): Promise<AdminServer> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      const answer = (status: number, body: string, contentType = 'application/json') =>
        response.writeHead(status, { 'content-type': contentType }).end(body);
      const refuse = (status: HttpStatus, reason: Reason) => {
        const [code, message] = REASONS[reason];
        return answer(status, JSON.stringify({ code, reason, message }));
      };
      if (request.method !== 'GET') return refuse(405, 'METHOD_NOT_ALLOWED');
      switch (request.url) {
        case '/metrics':
          return metrics.text().then(
            (body) => answer(200, body, metrics.contentType),
            () => refuse(500, 'INTERNAL'),
          );
        case '/healthz':
          return answer(200, '{"status":"ok"}');
        case '/readyz': {
          const checks = readiness();
          const ready = Object.values(checks).every(Boolean);
          const status = ready ? 'ready' : 'not ready';
          return answer(
            ready ? 200 : 503,
            JSON.stringify({ status, checks, ...(dependencies && describeTroubles(dependencies())) }),
          );
        }
        default:
          return refuse(404, 'ROUTE_NOT_FOUND');
      }
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const watch = dependencies && watchDependencies({ look: dependencies, log });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        watch?.stop();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Each dependency by name with whether it works, and beside it why those that are missing are. */
function describeTroubles(troubles: Troubles) {
  const entries = Object.entries(troubles);
  const missing = entries.filter(([, trouble]) => trouble !== undefined);
  return {
    dependencies: Object.fromEntries(entries.map(([name, trouble]) => [name, trouble === undefined])),
    ...(missing.length > 0 && { without: Object.fromEntries(missing) }),
  };
}
