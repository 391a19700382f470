/**
 * The public listener on uWebSockets.js: finds the route, hands over an Exchange, and turns whatever a handler throws into
 * the one error shape. Idle connections and bodies that drip are ended by uWebSockets.js itself (10 s, 16 KB/s), and so is
 * a connection that pipelines a request behind one that is still being answered: answers are never mixed up.
 */
import { randomBytes } from 'node:crypto';
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { type HttpResponse, listenExclusively, loadUws } from '../../../services/shared/http/uws.ts';
import { clientAddress } from '../../../services/shared/net/client-address.ts';
import type { Connections } from '../../../services/shared/net/connections.ts';
import type { NetworkList } from '../../../services/shared/net/networks.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Cors } from './cors.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';

export type Handler = (exchange: Exchange) => void | Promise<void>;
export type Method = 'GET' | 'POST';

/** Handlers by path, then by method. A route with GET answers HEAD as well. */
export type Routes = ReadonlyMap<string, ReadonlyMap<string, Handler>>;
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
  trustedProxies: NetworkList;
  connections: Connections;
  log: Log;
}

export interface HttpServer {
  readonly port: number;
  /** Requests not yet answered. */
  readonly inFlight: number;
  /** Stops accepting, and resolves when what is in flight has been answered or the limit has passed. */
  stop(): Promise<void>;
}

/** Above every deadline of a request. */
const DRAIN_LIMIT_MS = 4_000;
const DRAIN_POLL_MS = 10;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, routes, cors, trustedProxies, connections, log } = options;
  const uws = await loadUws();
  const idPrefix = randomBytes(6).toString('hex');
  let ids = 0;
  let inFlight = 0;
  let draining = false;

  // Asking for the peer costs a system call for each request, and only this machine can reach its loopback address.
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
    clientAddress: (response, forwardedFor) => clientAddress(peerOf(response), forwardedFor, trustedProxies),
    onEnd() {
      inFlight -= 1;
    },
  };

  function refuse(exchange: Exchange, thrown: unknown): void {
    const error = toAppError(thrown);
    if (error.kind === 'internal') {
      log.error({ err: thrown, path: exchange.path, requestId: exchange.requestId }, 'request failed');
    }
    exchange.refuse(error);
  }

  /** Called with 1 when a connection was opened and with -1 when it has ended. */
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
      const work = dispatch(routes, cors, exchange);
      if (work !== undefined) work.catch((error: unknown) => refuse(exchange, error));
    } catch (error) {
      refuse(exchange, error);
    }
  });

  const listener = await listenExclusively(app, host, options.port);
  return {
    port: uws.us_socket_local_port(listener),
    get inFlight() {
      return inFlight;
    },
    async stop() {
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

/** What follows on the connection until then ends it, so no part of a body is taken for a request. */
function rejectNextTurn(error: AppError): Promise<never> {
  return new Promise((_, reject) => setImmediate(() => reject(error)));
}

function dispatch(routes: Routes, cors: Cors, exchange: Exchange): void | Promise<void> {
  const fault = exchange.checkHead();
  if (fault !== undefined) return rejectNextTurn(fault);
  const { method } = exchange;
  const methods = routes.get(exchange.path);
  if (methods === undefined) throw new AppError('ROUTE_NOT_FOUND');
  const handler = methods.get(method === 'HEAD' ? 'GET' : method);
  if (handler !== undefined) return handler(exchange);
  const allowed = [...methods.keys()].flatMap((known) => (known === 'GET' ? ['GET', 'HEAD'] : [known]));
  const names = [...allowed, 'OPTIONS'].join(', ');
  const allow = ['Allow', names] as const;
  if (method !== 'OPTIONS') return exchange.refuse(new AppError('METHOD_NOT_ALLOWED'), [allow]);
  const preflight = exchange.origin === '' ? [] : cors.preflight(exchange.origin);
  if (preflight === undefined) throw new AppError('ORIGIN_NOT_ALLOWED');
  // With a body, since only of an answer that has one uWebSockets.js tells whether the client reads it.
  exchange.send(200, names, 'text/plain', [allow, ...preflight]);
}
