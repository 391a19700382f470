/**
 * The public listener on uWebSockets.js. It finds the route, calls the handler with an Exchange, and turns whatever the
 * handler throws into the one error shape. uWebSockets.js itself closes idle connections (10 s), slow bodies (16 KB/s) and
 * connections that pipeline a request behind an unanswered one, so answers can't be mixed up.
 */
import { randomBytes } from 'node:crypto';
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { type HttpResponse, listenExclusively, loadUws } from '../../../services/shared/http/uws.ts';
import { findClient, type TrustedProxies } from '../../../services/shared/net/client-address.ts';
import type { Connections } from '../../../services/shared/net/connections.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Metrics } from '../../../services/shared/telemetry/metrics.ts';
import type { Cors } from './cors.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { createRequestCounts } from './request-counts.ts';
import { createRouter, type Found, type Routes as PathRoutes } from './router.ts';

export type Handler = (exchange: Exchange) => void | Promise<void>;
export type Method = 'GET' | 'POST';

export type Routes = PathRoutes<Handler>;
/** One entry of Routes. */
export type Route = readonly [path: string, methods: ReadonlyMap<string, Handler>];

export function route(method: Method, path: string, handler: Handler): Route {
  return [path, new Map([[method, handler]])];
}

export interface HttpServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  routes: Routes;
  cors: Cors;
  trustedProxies: TrustedProxies;
  connections: Connections;
  metrics: Metrics;
  log: Log;
}

/** Above every deadline of a request. */
const DRAIN_LIMIT_MS = 4_000;
const DRAIN_POLL_MS = 10;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

export async function startHttpServer(options: HttpServerOptions) {
  const { host, routes, cors, trustedProxies, connections, log } = options;
  const counts = createRequestCounts(options.metrics);
  const find = createRouter(routes);
  const uws = await loadUws();
  const idPrefix = randomBytes(6).toString('hex');
  let ids = 0;
  let inFlight = 0;
  let draining = false;

  // Reading the peer's address costs a system call per request. On a loopback address the peer is always this machine.
  const peerOf = LOOPBACK.has(host)
    ? () => host
    : (response: HttpResponse) => Buffer.from(response.getRemoteAddressAsText()).toString('latin1');

  const context: ExchangeContext = {
    get endsConnections() {
      return draining || connections.crowded;
    },
    corsHeaders: (origin) => cors.headers(origin),
    nextRequestId() {
      ids += 1;
      return `${idPrefix}-${ids.toString(36)}`;
    },
    client: (response, header) => findClient(peerOf(response), header, trustedProxies),
    onEnd() {
      inFlight -= 1;
    },
    counts,
  };

  function refuse(exchange: Exchange, thrown: unknown): void {
    const error = toAppError(thrown);
    if (error.kind === 'internal') {
      log.error({ err: thrown, path: exchange.path, requestId: exchange.requestId }, 'request failed');
    }
    exchange.refuse(error);
  }

  /** uWebSockets.js calls this with 1 when a connection opens and with -1 when it ends. */
  function countConnection(response: HttpResponse, change: number): void {
    if (change < 0) connections.closed();
    else if (!connections.opened(peerOf(response))) response.close();
  }

  const app = uws.App();
  app.filter(countConnection);
  app.any('/*', (response, request) => {
    inFlight += 1;
    const exchange = new Exchange(response, request, context);
    try {
      const work = dispatch(find(exchange.path), cors, exchange);
      if (work !== undefined) work.catch((error: unknown) => refuse(exchange, error));
    } catch (error) {
      refuse(exchange, error);
    }
  });

  const listener = await listenExclusively(app, host, options.port);
  return {
    port: uws.us_socket_local_port(listener),
    /** Requests not yet answered. */
    get inFlight(): number {
      return inFlight;
    },
    /** Stops accepting; resolves when all requests are answered or the drain limit has passed. */
    async stop(): Promise<void> {
      draining = true;
      uws.us_listen_socket_close(listener);
      const giveUpAt = performance.now() + DRAIN_LIMIT_MS;
      while (inFlight > 0 && performance.now() < giveUpAt) {
        await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
      }
      app.close();
    },
  };
}

/** If more bytes arrive before the refusal, uWebSockets.js closes the connection: they must not be read as a request. */
function rejectNextTurn(error: AppError): Promise<never> {
  return new Promise((_, reject) => setImmediate(() => reject(error)));
}

function dispatch(found: Found<Handler> | undefined, cors: Cors, exchange: Exchange): void | Promise<void> {
  if (found !== undefined) {
    exchange.route = found.route;
    exchange.part = found.part;
  }
  const fault = exchange.checkHead();
  if (fault !== undefined) return rejectNextTurn(fault);
  const { method } = exchange;
  if (found === undefined) throw new AppError('ROUTE_NOT_FOUND');
  const { methods } = found;
  const handler = methods.get(method === 'HEAD' ? 'GET' : method);
  if (handler !== undefined) return handler(exchange);
  const allowed = [...methods.keys()].flatMap((known) => (known === 'GET' ? ['GET', 'HEAD'] : [known]));
  const names = [...allowed, 'OPTIONS'].join(', ');
  const allow = ['Allow', names] as const;
  if (method !== 'OPTIONS') return exchange.refuse(new AppError('METHOD_NOT_ALLOWED'), [allow]);
  const preflight = exchange.origin === '' ? [] : cors.preflight(exchange.origin);
  if (preflight === undefined) throw new AppError('ORIGIN_NOT_ALLOWED');
  // With a body: uWebSockets.js reports whether the client reads an answer only if it has one.
  exchange.send(200, names, 'text/plain', [allow, ...preflight]);
}
