/**
 * The public listener: JSON over POST. Every part of a request has a limit in size and time. Whatever a handler throws
 * becomes the one error shape.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Reason, toAppError } from '../../shared/errors/app-error.ts';
import { isRequestId } from '../../shared/http/request-head.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { answerUnreadable, refusal } from './answer.ts';
import type { Connections } from './connections.ts';
import { BODY_MAX_BYTES, type DispatchOptions, dispatch } from './dispatch.ts';

export interface HttpServerOptions extends DispatchOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  connections: Connections;
  log: Log;
  onRefused: (reason: Reason) => void;
}

/** Above every deadline of a request. */
const DRAIN_LIMIT_MS = 4_000;

const SERVER_OPTIONS: ServerOptions = {
  /** As at the edge: the longest token beside the headers of a browser. */
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  /** How often the two timeouts above are checked. */
  connectionsCheckingInterval: 1_000,
  /** Longer than the pause between two taps, shorter than proxies keep an idle connection. */
  keepAliveTimeout: 30_000,
  // A header that may occur once and occurs twice is joined into a value that no check accepts.
  joinDuplicateHeaders: true,
  // We refuse a missing Host header ourselves, with a reason.
  requireHostHeader: false,
};

export async function startHttpServer(options: HttpServerOptions) {
  const { host, port, connections, log } = options;
  let draining = false;

  const server = createServer(SERVER_OPTIONS, (request, response) => {
    const { socket } = request;
    if (!connections.begins(socket)) return;
    response.once('close', () => connections.answered(socket));
    serve(options, request, response, () => draining).catch((error: unknown) => {
      // The client closed the connection while it was sending, so no answer can reach it.
      log.debug({ err: error }, 'client went away');
    });
  });
  server.on('connection', connections.opened);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable) socket.end(answerUnreadable(error.code));
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

  return {
    port: (server.address() as AddressInfo).port,
    /** Stops accepting; resolves when all requests are answered or the drain limit has passed. */
    stop: () =>
      new Promise<void>((resolve) => {
        draining = true;
        const giveUp = setTimeout(() => server.closeAllConnections(), DRAIN_LIMIT_MS);
        server.close(() => {
          clearTimeout(giveUp);
          resolve();
        });
      }),
  };
}

async function serve(
  options: HttpServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  isDraining: () => boolean,
): Promise<void> {
  const { cors, log, onRefused } = options;
  const given = request.headers['x-request-id'];
  const requestId = typeof given === 'string' && isRequestId(given) ? given : randomUUID();
  // Read first: a client that is still sending often misses an early answer.
  const body = await readBody(request);
  const answer = await dispatch(options, request, requestId, body).catch((thrown: unknown) => {
    const error = toAppError(thrown);
    if (error.kind === 'internal') log.error({ err: thrown, requestId }, 'request failed');
    onRefused(error.reason);
    return refusal(error);
  });
  response.writeHead(answer.status, {
    'x-request-id': requestId,
    'cache-control': 'no-store',
    ...(answer.body !== '' && {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(answer.body)),
      'x-content-type-options': 'nosniff',
    }),
    ...Object.fromEntries([...cors.headers(request.headers), ...answer.headers]),
    ...(isDraining() && { connection: 'close' }),
  });
  response.end(answer.body);
}

/** Returns undefined if the body is too large. It is then read to its end, within the request's time, and discarded. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  // One buffer for all pieces: many small ones would take far more memory than the limit.
  const body = Buffer.allocUnsafe(BODY_MAX_BYTES);
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    if (size + piece.length <= BODY_MAX_BYTES) body.set(piece, size);
    size += piece.length;
  }
  return size <= BODY_MAX_BYTES ? body.subarray(0, size) : undefined;
}
