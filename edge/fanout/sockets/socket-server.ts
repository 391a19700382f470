/**
 * The public port: the WebSocket at /live and two health answers. An upgrade is judged at once, from its headers, so
 * that no half-made socket ever waits for anything; what is refused gets a plain HTTP error that says why.
 */
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { ERROR_TABLE } from '../../../services/shared/errors/error-table.ts';
import { type HttpStatus, statusLine } from '../../../services/shared/errors/http-status.ts';
import type { AllowedOrigins } from '../../../services/shared/http/origins.ts';
import { parseHostHeader } from '../../../services/shared/http/request-head.ts';
import {
  type HttpRequest,
  type HttpResponse,
  listenExclusively,
  loadUws,
  readHeaders,
} from '../../../services/shared/http/uws.ts';
import { clientAddress } from '../../../services/shared/net/client-address.ts';
import type { Connections } from '../../../services/shared/net/connections.ts';
import type { NetworkList } from '../../../services/shared/net/networks.ts';
import type { FanoutMetrics } from '../fanout-metrics.ts';
import type { Channel } from '../hub/channel.ts';
import type { Frame } from '../hub/frame.ts';
import { errorBody } from '../hub/frames.ts';
import { IDLE_TIMEOUT_S, MAX_BACKPRESSURE_BYTES, MESSAGE_MAX_BYTES } from '../limits.ts';
import type { Admission } from './admission.ts';
import { Connection } from './connection.ts';
import { parseHandshake } from './handshake.ts';
import type { Sessions } from './sessions.ts';

export interface SocketServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  allowedOrigins: AllowedOrigins;
  trustedProxies: NetworkList;
  connections: Connections;
  admission: Admission;
  sessions: Sessions;
  /** What this process can't do without, by name: true when it works. */
  readiness: () => Record<string, boolean>;
  metrics: FanoutMetrics;
}

export interface SocketServer {
  readonly port: number;
  /** Sends a frame to all sockets of a board, in each encoding that one of them reads, and says how many they are. */
  publish(channel: Pick<Channel, 'textTopic' | 'binaryTopic'>, frame: Frame): number;
  /** Takes no new sockets. */
  stopListening(): void;
  /** Cuts every connection that is left. */
  close(): void;
}

/** One field: this build of the addon copies the fields of user data, so an object with methods would lose them. */
interface UserData {
  readonly connection: Connection;
}

export async function startSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  const { host, allowedOrigins, trustedProxies, connections, admission, sessions, readiness, metrics } =
    options;
  const uws = await loadUws();
  const app = uws.App();
  let draining = false;

  /** Throws an AppError when the upgrade is refused. */
  function accept(
    response: HttpResponse,
    request: HttpRequest,
  ): { connection: Connection; protocol: string } {
    if (draining) throw new AppError('SHUTTING_DOWN', { retryAfterMs: 1000 });
    const headers = readHeaders(request);
    parseHostHeader(headers.get('host'));
    const handshake = parseHandshake({ query: request.getQuery(), headers }, allowedOrigins);
    const forwardedFor = () => headers.get('x-forwarded-for') ?? '';
    const share = admission.admit(clientAddress(peerOf(response), forwardedFor, trustedProxies));
    return { connection: new Connection(handshake, share), protocol: handshake.protocol };
  }

  /** Called with 1 when a connection was opened, and with -1 when it ended before it became a socket. */
  function countConnection(response: HttpResponse, change: number): void {
    if (change < 0) connections.closed();
    else if (!connections.opened(peerOf(response))) response.close();
  }

  function refuse(response: HttpResponse, error: AppError): void {
    metrics.refused.inc({ reason: error.reason });
    answer(response, ERROR_TABLE[error.kind].httpStatus, errorBody(error), error.retryAfterMs);
  }

  app.filter(countConnection);
  app.ws<UserData>('/live', {
    idleTimeout: IDLE_TIMEOUT_S,
    sendPingsAutomatically: true,
    maxPayloadLength: MESSAGE_MAX_BYTES,
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    upgrade(response, request, context) {
      let accepted: ReturnType<typeof accept>;
      try {
        accepted = accept(response, request);
      } catch (thrown) {
        return refuse(response, toAppError(thrown));
      }
      const key = request.getHeader('sec-websocket-key');
      // No extension is agreed on: compression would cost each socket more memory than everything else together.
      response.upgrade({ connection: accepted.connection }, key, accepted.protocol, '', context);
    },
    open: (socket) => sessions.open(socket.getUserData().connection, socket),
    message(socket, message, isBinary) {
      const text = isBinary ? undefined : Buffer.from(message).toString();
      sessions.onMessage(socket.getUserData().connection, text);
    },
    ping: (socket) => sessions.onControl(socket.getUserData().connection),
    pong: (socket) => sessions.onControl(socket.getUserData().connection),
    dropped: (socket, message, isBinary) =>
      sessions.onDropped(socket.getUserData().connection, message, isBinary),
    drain: (socket) => sessions.onDrain(socket.getUserData().connection),
    close(socket, code) {
      connections.closed();
      sessions.onClose(socket.getUserData().connection, code);
    },
  });
  app.get('/healthz', (response) => answer(response, 200, '{"status":"ok"}'));
  app.get('/readyz', (response) => {
    const checks = readiness();
    const ready = Object.values(checks).every(Boolean);
    answer(response, ready ? 200 : 503, JSON.stringify({ status: ready ? 'ready' : 'not ready', checks }));
  });
  app.get('/live', (response) => {
    answer(
      response,
      426,
      errorBody(new AppError('HANDSHAKE_INVALID', { message: 'Open a WebSocket here.' })),
    );
  });
  app.any('/*', (response) => answer(response, 404, errorBody(new AppError('ROUTE_NOT_FOUND'))));

  const listener = await listenExclusively(app, host, options.port);

  function stopListening(): void {
    if (!draining) uws.us_listen_socket_close(listener);
    draining = true;
  }

  return {
    port: uws.us_socket_local_port(listener),
    publish({ textTopic, binaryTopic }, frame) {
      const readers = app.numSubscribers(textTopic);
      if (readers > 0) app.publish(textTopic, frame.text, false, false);
      const binaryReaders = app.numSubscribers(binaryTopic);
      if (binaryReaders > 0) app.publish(binaryTopic, frame.bytes, true, false);
      return readers + binaryReaders;
    },
    stopListening,
    close() {
      stopListening();
      app.close();
    },
  };
}

function peerOf(response: HttpResponse): string {
  return Buffer.from(response.getRemoteAddressAsText()).toString();
}

/** Ends its connection, so that no connection stays that is not a socket, and none asks on without reading. */
function answer(response: HttpResponse, status: HttpStatus, body: string, retryAfterMs = 0): void {
  response.cork(() => {
    response.writeStatus(statusLine(status));
    response.writeHeader('content-type', 'application/json');
    if (retryAfterMs > 0) response.writeHeader('retry-after', String(Math.ceil(retryAfterMs / 1000)));
    response.end(body, true);
  });
}
