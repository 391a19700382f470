/**
 * The public port: the WebSocket at /live and two health checks. An upgrade is accepted or refused synchronously from its headers,
 * so no half-open socket ever waits. A refusal is an HTTP error with a reason, or for a page a close code.
 */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { type HttpStatus, statusLine } from '../../../services/shared/errors/http-status.ts';
import { answerError, errorBody, type HeaderList } from '../../../services/shared/http/error-answer.ts';
import { answerReadiness, HEALTHY } from '../../../services/shared/http/health-answer.ts';
import type { HttpResponse, TemplatedApp, WebSocketBehavior } from '../../../services/shared/http/uws.ts';
import type { Connections } from '../../../services/shared/net/connections.ts';
import { MAX_BACKPRESSURE_BYTES } from '../hub/limits.ts';
import { IDLE_TIMEOUT_S, MESSAGE_MAX_BYTES } from './limits.ts';
import { type OpeningOptions, openingOf, peerOf, SOCKET_PATH, type UserData } from './opening.ts';
import type { Sessions } from './sessions.ts';
import type { SocketApp } from './socket-app.ts';

export interface SocketServerOptions extends Omit<OpeningOptions, 'isDraining'> {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  socketApp: SocketApp;
  connections: Connections;
  sessions: Sessions;
  /** What this process needs to be ready, by name: true if it works. */
  readiness: () => Record<string, boolean>;
}

/** The label of every path but our own, so that clients cannot create time series. */
const OTHER = 'other';

export type SocketServer = Awaited<ReturnType<typeof startSocketServer>>;

export async function startSocketServer(options: SocketServerOptions) {
  const { socketApp, connections } = options;
  const { app } = socketApp;
  let draining = false;
  const readiness = () => ({ ...options.readiness(), accepting: !draining });

  /** Called with 1 for a new connection, and with -1 for one that ended before it became a socket. */
  function countConnection(response: HttpResponse, change: number): void {
    if (change < 0) connections.closed();
    else if (!connections.opened(peerOf(response))) response.close();
  }

  app.filter(countConnection);
  serveSockets(app, options, () => draining);
  const reply = (route: string, response: HttpResponse, status: HttpStatus, body: string) => {
    options.metrics.requests.inc({ route, status });
    answer(response, status, body);
  };
  app.get('/healthz', (response) => reply('/healthz', response, 200, HEALTHY));
  app.get('/readyz', (response) => {
    const { status, body } = answerReadiness(readiness());
    reply('/readyz', response, status, body);
  });
  app.get('/live', (response) => {
    const error = new AppError('HANDSHAKE_INVALID', { message: 'This address is for WebSockets only.' });
    reply(SOCKET_PATH, response, 426, errorBody(error));
  });
  app.any('/*', (response) => reply(OTHER, response, 404, errorBody(new AppError('ROUTE_NOT_FOUND'))));

  const listener = await socketApp.listen(options.host, options.port);
  return {
    port: listener.port,
    readiness,
    /** Takes no new sockets from now on. */
    stopListening(): void {
      if (!draining) listener.stop();
      draining = true;
    },
    /** Cuts the remaining connections. */
    close(): void {
      socketApp.close();
    },
  };
}

function serveSockets(app: TemplatedApp, options: SocketServerOptions, isDraining: () => boolean): void {
  const behaviour = createBehaviour(options, isDraining);
  app.ws<UserData>(SOCKET_PATH, behaviour);
  // Other spellings of that path, and wrong paths, whose pages are told.
  app.ws<UserData>('/*', behaviour);
}

function createBehaviour(
  { connections, admission, sessions, ...options }: SocketServerOptions,
  isDraining: () => boolean,
): WebSocketBehavior<UserData> {
  return {
    idleTimeout: IDLE_TIMEOUT_S,
    sendPingsAutomatically: true,
    maxPayloadLength: MESSAGE_MAX_BYTES,
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    upgrade(response, request, context) {
      const route = request.getUrl() === SOCKET_PATH ? SOCKET_PATH : OTHER;
      const opening = openingOf(response, request, { ...options, admission, isDraining: isDraining() });
      if (opening instanceof AppError)
        return refuse(response, opening, (status) => options.metrics.requests.inc({ route, status }));
      const { data, protocol, key } = opening;
      options.metrics.requests.inc({ route, status: 101 });
      // No extensions: compression would cost each socket more memory than everything else together.
      response.upgrade(data, key, protocol, '', context);
    },
    open(socket) {
      const { session, refused } = socket.getUserData();
      if (session !== undefined) sessions.onOpen(session, socket);
      else socket.end(refused?.close.code, refused?.close.reason);
    },
    message(socket, message, isBinary) {
      const { session } = socket.getUserData();
      const bytes = Buffer.from(message);
      // Text has been checked by uWebSockets.js. Some engines send binary frames only.
      if (session !== undefined)
        sessions.onMessage(session, isBinary && !isUtf8(bytes) ? undefined : bytes.toString());
    },
    ping: (socket) => onControl(socket.getUserData()),
    pong: (socket) => onControl(socket.getUserData()),
    dropped(socket, message, isBinary) {
      const { session } = socket.getUserData();
      if (session !== undefined) sessions.onDropped(session, message, isBinary);
    },
    drain(socket) {
      const { session } = socket.getUserData();
      if (session !== undefined) sessions.onDrain(session);
    },
    close(socket, code) {
      const { session, refused } = socket.getUserData();
      connections.closed();
      if (session !== undefined) sessions.onClose(session, code);
      else admission.release(refused?.share);
    },
  };

  function onControl({ session }: UserData): void {
    if (session !== undefined) sessions.onControl(session);
  }
}

function refuse(response: HttpResponse, error: AppError, count: (status: HttpStatus) => void): void {
  const { status, body, headers } = answerError(error);
  count(status);
  answer(response, status, body, headers);
}

/** Every answer ends its connection, so that only sockets stay open and a client that does not read is cut off. */
function answer(response: HttpResponse, status: HttpStatus, body: string, headers: HeaderList = []): void {
  response.cork(() => {
    response.writeStatus(statusLine(status));
    response.writeHeader('content-type', 'application/json');
    response.writeHeader('cache-control', 'no-store');
    for (const [name, value] of headers) response.writeHeader(name, value);
    response.end(body, true);
  });
}
