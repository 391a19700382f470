/**
 * The public listener: JSON in, JSON out, POST only. Every part of a request has a limit in size and time, and whatever
 * a handler throws leaves as the one error shape.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, type Reason, toAppError } from '../../shared/errors/app-error.ts';
import { parseHostHeader } from '../../shared/http/request-head.ts';
import { clientAddress } from '../../shared/net/client-address.ts';
import type { NetworkList } from '../../shared/net/networks.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Connections } from './connections.ts';
import type { Cors } from './cors.ts';
import { answerError, answerUnreadable } from './error-answer.ts';

/** One request, read to its end. */
export interface Call {
  readonly requestId: string;
  /** The client's, in one spelling. */
  readonly address: string;
  readonly authorization: string;
  /** Empty when there is none. */
  readonly body: Buffer;
  /** What the path's pattern captured. */
  readonly captured: string;
}

export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  /** Of the whole path, with one group at most. */
  readonly path: RegExp;
  /** Refuse a body that is not JSON. */
  readonly hasBody: boolean;
  readonly handle: (call: Call) => Promise<Answer>;
}

export interface HttpServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  routes: readonly Route[];
  cors: Cors;
  trustedProxies: NetworkList;
  connections: Connections;
  log: Log;
  onRefused: (reason: Reason) => void;
}

export interface HttpServer {
  readonly port: number;
  /** Stops accepting, and resolves when what is in flight has been answered or the limit has passed. */
  stop(): Promise<void>;
}

const LIMITS = {
  /** Two lines of JSON. */
  bodyBytes: 1024,
  /** A token has some 400 bytes. */
  headerBytes: 8 * 1024,
  headersMs: 5_000,
  requestMs: 10_000,
  /** How often the two above are checked. */
  checkMs: 1_000,
  /** Above the time between two taps, below the patience of proxies. */
  keepAliveMs: 30_000,
  /** Above every deadline of a request. */
  drainMs: 4_000,
} as const;

const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;
const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, cors, connections, log, onRefused } = options;
  let draining = false;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    // Read first: a client that is still sending often misses an early answer.
    const body = await readBody(request);
    const answer = await answerTo(options, request, requestId, body).catch((thrown: unknown) => {
      const error = toAppError(thrown);
      if (error.kind === 'internal') log.error({ err: thrown, requestId }, 'request failed');
      onRefused(error.reason);
      return answerError(error);
    });
    const text = answer.status === 204 ? '' : JSON.stringify(answer.body);
    response.writeHead(answer.status, {
      'x-request-id': requestId,
      'cache-control': 'no-store',
      ...(text !== '' && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(text)),
        'x-content-type-options': 'nosniff',
      }),
      ...cors.headers(request.headers),
      ...answer.headers,
      ...(draining && { connection: 'close' }),
    });
    response.end(text);
  }

  const server = createServer(
    {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.headersMs,
      requestTimeout: LIMITS.requestMs,
      connectionsCheckingInterval: LIMITS.checkMs,
      keepAliveTimeout: LIMITS.keepAliveMs,
      // A header that may come only once then has no valid value when it came twice.
      joinDuplicateHeaders: true,
      // We refuse it ourselves, with a reason.
      requireHostHeader: false,
    },
    (request, response) => {
      const { socket } = request;
      if (!connections.begins(socket)) return;
      response.once('close', () => connections.answered(socket));
      // Only a client that goes away while it sends can end up here, and it waits for no answer.
      serve(request, response).catch((error: unknown) => log.debug({ err: error }, 'client went away'));
    },
  );
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
    stop: () =>
      new Promise((resolve) => {
        draining = true;
        const giveUp = setTimeout(() => server.closeAllConnections(), LIMITS.drainMs);
        server.close(() => {
          clearTimeout(giveUp);
          resolve();
        });
      }),
  };
}

async function answerTo(
  { routes, cors, trustedProxies }: HttpServerOptions,
  request: IncomingMessage,
  requestId: string,
  body: Buffer | undefined,
): Promise<Answer> {
  parseHostHeader(request.headers.host);
  const [path = ''] = (request.url ?? '').split('?');
  for (const route of routes) {
    const match = route.path.exec(path);
    if (match === null) continue;
    const { method, headers, socket } = request;
    if (method === 'OPTIONS') return { status: 204, body: {}, headers: cors.preflight(headers) };
    if (method !== 'POST') throw new AppError('METHOD_NOT_ALLOWED');
    if (body === undefined) throw new AppError('BODY_TOO_LARGE');
    if (route.hasBody && !JSON_TYPE.test(headers['content-type'] ?? '')) {
      throw new AppError('CONTENT_TYPE_UNSUPPORTED');
    }
    return route.handle({
      requestId,
      address: clientAddress(
        socket.remoteAddress ?? '',
        () => String(headers['x-forwarded-for'] ?? ''),
        trustedProxies,
      ),
      authorization: headers.authorization ?? '',
      body,
      captured: match[1] ?? '',
    });
  }
  throw new AppError('ROUTE_NOT_FOUND');
}

/** Undefined when it is too large; then it is heard to its end, within the request's time, and not kept. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  // One buffer for all pieces: many small ones would take far more room than the limit says.
  const body = Buffer.allocUnsafe(LIMITS.bodyBytes);
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    if (size + piece.length <= LIMITS.bodyBytes) body.set(piece, size);
    size += piece.length;
  }
  return size <= LIMITS.bodyBytes ? body.subarray(0, size) : undefined;
}
