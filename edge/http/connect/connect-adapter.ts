/**
 * Mounts Connect's protocol handlers (Connect JSON and binary, gRPC-web) on our listener. All methods are unary: a request
 * is one body and an answer is one body.
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
import { judgeBodyForm, unpackBody } from '../../../services/shared/http/body-form.ts';
import { answerError } from '../../../services/shared/http/error-answer.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Exchange } from '../server/exchange.ts';
import type { Handler, Method, Route } from '../server/http-server.ts';
import { connectErrorBody, refusalOfStatus, toConnectError } from './connect-errors.ts';

/** Limit of the body, compressed and uncompressed. */
const READ_MAX_BYTES = 32 * 1024;
/** Longest timeout that a client may declare; our own deadlines are far shorter. */
const MAX_TIMEOUT_MS = 60_000;

/** The request headers that the protocols read. */
const PROTOCOL_HEADERS = [
  'accept-encoding',
  'connect-protocol-version',
  'connect-timeout-ms',
  'grpc-encoding',
  'grpc-accept-encoding',
  'grpc-timeout',
  'x-grpc-web',
];

/** One call, shared by the code before and after Connect. */
interface Call {
  readonly exchange: Exchange;
  /** A handler was reached, so the message was readable. */
  entered: boolean;
  refusal: AppError | undefined;
}

const callKey = createContextKey<Call | undefined>(undefined);

/** The HTTP exchange of a handler's call. */
export function exchangeOf(context: HandlerContext): Exchange {
  const call = context.values.get(callKey);
  if (call === undefined) throw new Error('the call did not come through the adapter');
  return call.exchange;
}

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
/** The media types of Connect's unary calls and of gRPC-web. */
const PROTOCOL = /^application\/(?:json|proto|grpc-web(?:-text)?(?:\+(?:proto|json))?)$/;
const isProtocol = (mediaType: string) => PROTOCOL.test(mediaType);

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

async function serveCall(handler: UniversalHandler, exchange: Exchange): Promise<void> {
  const { method, path, query } = exchange;
  const call: Call = { exchange, entered: false, refusal: undefined };
  const header = protocolHeaders(exchange);
  const received = method === 'POST' ? await receive(call, header) : chunksOf();
  const ask = async (body: AsyncIterable<Uint8Array>) =>
    readWhole(
      await handler({
        httpVersion: '1.1',
        method: method === 'HEAD' ? 'GET' : method,
        // Connect reads path and query only. The client chose the host, so the host must not decide whether this parses.
        url: `http://edge${path}${query === '' ? '' : `?${query}`}`,
        header,
        body,
        signal: exchange.signal,
        contextValues: createContextValues().set(callKey, call),
      }),
    );
  const response = await ask(received);
  if (call.entered || call.refusal !== undefined || !isFault(response)) {
    answer(call, response);
    return;
  }
  // Connect reports an unreadable message as an internal error. The fault is the client's, so it gets BODY_INVALID.
  call.refusal = new AppError('BODY_INVALID');
  answer(call, isGrpcWeb(response) ? await ask(refusing(toConnectError(call.refusal))) : response);
}

/** An answer may be about its caller, and compressed as the caller accepts it. */
const VARY: [string, string] = ['Vary', 'Authorization, Accept-Encoding'];

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
  return FAULT_TRAILER.test(trailersOf(response));
}

function trailersOf({ header, body }: Whole): string {
  const inHeader = header?.get('grpc-status');
  return inHeader == null ? body.toString('latin1') : `grpc-status: ${inHeader}\r\n`;
}

/** Connect refuses some requests itself, such as a frame that is cut off, with "invalid argument". */
function isRefusedByConnect(response: Whole): boolean {
  return /grpc-status: ?3\r\n/.test(trailersOf(response));
}

function protocolHeaders(exchange: Exchange): Headers {
  const headers = new Headers();
  for (const name of PROTOCOL_HEADERS) {
    const value = exchange.header(name);
    if (value !== '') headers.set(name, value);
  }
  return headers;
}

/**
 * The body, or a body whose reading fails, so that Connect reports the refusal in the client's protocol. Connect gets the media type as
 * it writes it itself, and the body without the compression that HTTP added.
 */
async function receive(call: Call, header: Headers): Promise<AsyncIterable<Uint8Array>> {
  const { exchange } = call;
  const { contentType } = exchange;
  try {
    const body = await exchange.readBody(READ_MAX_BYTES);
    const form = judgeBodyForm(contentType, exchange.header('content-encoding'), isProtocol);
    header.set('content-type', form.mediaType);
    return chunksOf(await unpackBody(body, form.coding, READ_MAX_BYTES));
  } catch (thrown) {
    call.refusal = toAppError(thrown);
    if (!header.has('content-type')) header.set('content-type', contentType.split(';', 1)[0] ?? '');
    return refusing(toConnectError(call.refusal));
  }
}

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function refusing(error: Error): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

function answer({ exchange, entered, refusal }: Call, response: Whole): void {
  const { status, header, body } = response;
  // Success, or a gRPC-web answer that carries its error inside.
  if (status < 400) {
    if (refusal !== undefined) exchange.countRefusal(refusal);
    else if (!entered && isRefusedByConnect(response)) exchange.countRefusal(new AppError('BODY_INVALID'));
    const headers: [string, string][] = [VARY];
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
  exchange.refuseWith(error, connectErrorBody(error), [...answerError(error).headers, VARY]);
}
