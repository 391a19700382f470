/**
 * Mounts Connect's protocol handlers (Connect JSON and binary, gRPC-web) on our listener. All methods are unary: a request
 * is one body and an answer is one body.
 */
import { type ConnectRouter, createConnectRouter, type Interceptor } from '@connectrpc/connect';
import { compressionGzip } from '@connectrpc/connect-node';
import { toAppError } from '../../../services/shared/errors/app-error.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Handler, Method, Route } from '../server/http-server.ts';
import { callKey } from './call.ts';
import { toConnectError } from './connect-errors.ts';
import { READ_MAX_BYTES } from './receive-call.ts';
import { refuse, serveCall } from './serve-call.ts';

/** Longest timeout that a client may declare; our own deadlines are far shorter. */
const MAX_TIMEOUT_MS = 60_000;

/** Records the refusal of a handler, so that the adapter can write it in the one error shape; logs bugs. */
function noteRefusals(log: Log): Interceptor {
  return (next) => async (request) => {
    const call = request.contextValues.get(callKey);
    if (call !== undefined) call.entered = true;
    try {
      return await next(request);
    } catch (thrown) {
      const refusal = toAppError(thrown);
      if (call !== undefined) call.refusal = refusal;
      if (refusal.kind === 'internal') {
        const { path, requestId } = call?.exchange ?? {};
        log.error({ err: thrown, path, requestId }, 'call failed');
      }
      throw toConnectError(refusal);
    }
  };
}

/** Runs before any other work on a call. Returns undefined to admit it, or rejects with the refusal. */
export type AdmissionCheck = () => undefined | Promise<never>;

const GRPC_WEB = /^application\/grpc-web/i;

export interface ConnectRoutesOptions {
  /** Adds services to the router. */
  register: (router: ConnectRouter) => void;
  /** By the method's path. */
  admissionChecks: ReadonlyMap<string, AdmissionCheck>;
  log: Log;
}

/** Routes for every method of the services that `register` adds. */
export function createConnectRoutes({ register, admissionChecks, log }: ConnectRoutesOptions): Route[] {
  const router = createConnectRouter({
    // gRPC needs trailers, which HTTP/1.1 clients can't read.
    grpc: false,
    readMaxBytes: READ_MAX_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    acceptCompression: [compressionGzip],
    interceptors: [noteRefusals(log)],
  });
  register(router);
  return router.handlers.map((handler) => {
    const check = admissionChecks.get(handler.requestPath);
    const serve: Handler = (exchange) => {
      // A gRPC-web answer carries its refusal inside, so only the handler can write it.
      const refused = check === undefined || GRPC_WEB.test(exchange.contentType) ? undefined : check();
      if (refused === undefined) return serveCall(handler, exchange);
      return refused.catch((thrown: unknown) => refuse(exchange, toAppError(thrown)));
    };
    const methods = handler.allowedMethods.filter((method): method is Method => /^(GET|POST)$/.test(method));
    return [handler.requestPath, new Map(methods.map((method) => [method, serve]))];
  });
}
