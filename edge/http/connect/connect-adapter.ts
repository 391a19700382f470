/**
 * Mounts Connect's protocol handlers (Connect JSON and binary, gRPC-web) on our listener. Every method here is unary, so a
 * request is one body and an answer is one body.
 */
import {
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { compressionGzip } from '@connectrpc/connect-node';
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import { describeError } from '../server/error-response.ts';
import type { Exchange } from '../server/exchange.ts';
import type { Handler, Method, Route } from '../server/http-server.ts';
import { connectErrorBody, refusalOfStatus, toConnectError } from './connect-errors.ts';

/** Bounds the body as sent and as unpacked. */
const READ_MAX_BYTES = 16 * 1024;
/** A client may declare any patience up to this; our own deadlines are far shorter. */
const MAX_TIMEOUT_MS = 60_000;

/** All that the protocols read of a request besides its body. */
const PROTOCOL_HEADERS = [
  'content-type',
  'content-encoding',
  'accept-encoding',
  'connect-protocol-version',
  'connect-timeout-ms',
  'grpc-encoding',
  'grpc-accept-encoding',
  'grpc-timeout',
  'x-grpc-web',
];

/** One call, for the code on both sides of Connect. */
interface Call {
  readonly exchange: Exchange;
  /** Its message was read: what fails from now on is not the client's doing. */
  entered: boolean;
  refusal: AppError | undefined;
}

const callKey = createContextKey<Call | undefined>(undefined);

/** The exchange that a handler's call arrived with. */
export function exchangeOf(context: HandlerContext): Exchange {
  const call = context.values.get(callKey);
  if (call === undefined) throw new Error('the call did not come through the adapter');
  return call.exchange;
}

/** Notes what a handler refused, so that the answer outside can be the same as everywhere, and logs bugs. */
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

/** Asked before anything is spent on a call: nothing to wait for when it may come in, else a refusal. */
export type Door = () => undefined | Promise<never>;

const GRPC_WEB = /^application\/grpc-web/;

export interface ConnectRoutesOptions {
  /** Adds services to the router. */
  register: (router: ConnectRouter) => void;
  /** By path of a method. */
  doors: ReadonlyMap<string, Door>;
  log: Log;
}

/** Routes for every method of the services that `register` adds. */
export function createConnectRoutes({ register, doors, log }: ConnectRoutesOptions): Route[] {
  const router = createConnectRouter({
    // gRPC proper needs trailers, which HTTP/1.1 clients can't read.
    grpc: false,
    readMaxBytes: READ_MAX_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    acceptCompression: [compressionGzip],
    interceptors: [noteRefusals(log)],
  });
  register(router);
  return router.handlers.map((handler) => {
    const door = doors.get(handler.requestPath);
    const serve: Handler = (exchange) => {
      // gRPC-web carries a refusal inside its answer, so there the handler has to make it.
      const turnedAway = door === undefined || GRPC_WEB.test(exchange.contentType) ? undefined : door();
      if (turnedAway === undefined) return serveCall(handler, exchange);
      return turnedAway.catch((thrown: unknown) => refuse(exchange, toAppError(thrown)));
    };
    const methods = handler.allowedMethods.filter((method): method is Method => /^(GET|POST)$/.test(method));
    return [handler.requestPath, new Map(methods.map((method) => [method, serve]))];
  });
}

async function serveCall(handler: UniversalHandler, exchange: Exchange): Promise<void> {
  const { method, path, query } = exchange;
  const header = protocolHeaders(exchange);
  const call: Call = { exchange, entered: false, refusal: undefined };
  const ask = async (body: AsyncIterable<Uint8Array>) =>
    readWhole(
      await handler({
        httpVersion: '1.1',
        method: method === 'HEAD' ? 'GET' : method,
        // Only path and query count. The host is the client's word, and must not decide whether this parses.
        url: `http://edge${path}${query === '' ? '' : `?${query}`}`,
        header,
        body,
        signal: exchange.signal,
        contextValues: createContextValues().set(callKey, call),
      }),
    );
  const response = await ask(method === 'POST' ? await receive(call) : chunksOf());
  if (call.entered || call.refusal !== undefined || !isFault(response)) {
    answer(call, response);
    return;
  }
  // Connect calls a message that it can't read an internal error. It is the client's, in whatever protocol it asked.
  call.refusal = new AppError('BODY_INVALID');
  answer(call, isGrpcWeb(response) ? await ask(refusing(toConnectError(call.refusal))) : response);
}

interface Whole {
  readonly status: number;
  readonly header: Headers | undefined;
  readonly body: Buffer;
}

async function readWhole({ status, header, body }: UniversalServerResponse): Promise<Whole> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return { status, header, body: Buffer.concat(chunks) };
}

const isGrpcWeb = ({ status }: Whole): boolean => status < 400;

/** Unknown, internal, data loss. */
const FAULT_TRAILER = /grpc-status: ?(?:2|13|15)\r\n/;

function isFault(response: Whole): boolean {
  if (!isGrpcWeb(response)) return response.status === 500;
  const inHeader = response.header?.get('grpc-status');
  const trailers = inHeader == null ? response.body.toString('latin1') : `grpc-status: ${inHeader}\r\n`;
  return FAULT_TRAILER.test(trailers);
}

function protocolHeaders(exchange: Exchange): Headers {
  const headers = new Headers();
  for (const name of PROTOCOL_HEADERS) {
    const value = exchange.header(name);
    if (value !== '') headers.set(name, value);
  }
  return headers;
}

/** The body, or one that refuses to be read: the client hears of it in its own protocol. */
async function receive(call: Call): Promise<AsyncIterable<Uint8Array>> {
  try {
    return chunksOf(await call.exchange.readBody(READ_MAX_BYTES));
  } catch (thrown) {
    call.refusal = toAppError(thrown);
    return refusing(toConnectError(call.refusal));
  }
}

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function refusing(error: Error): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

function answer({ exchange, refusal }: Call, { status, header, body }: Whole): void {
  // Connect's only other status; a gRPC-web answer carries its error inside.
  if (status < 400) {
    const headers: [string, string][] = [];
    header?.forEach((value, name) => {
      if (name !== 'content-type' && name !== 'content-length') headers.push([name, value]);
    });
    exchange.send(200, body, header?.get('content-type') ?? '', headers);
    return;
  }
  const error = refusal ?? refusalOfStatus(status);
  if (refusal === undefined && error.kind === 'internal') {
    throw new Error(`Connect answered ${status}: ${body}`);
  }
  refuse(exchange, error);
}

function refuse(exchange: Exchange, error: AppError): void {
  const described = describeError(error);
  exchange.json(described.status, connectErrorBody(error), described.headers);
}
