/** The one door to uWebSockets.js: the addon, loaded with the limits that must be set before loading. */
import type * as UWebSockets from 'uWebSockets.js';

export type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  WebSocket,
  WebSocketBehavior,
} from 'uWebSockets.js';

const ASCII = /^[\0-\x7f]*$/;

/** The headers of one request by lower-case name. */
export type RequestHeaders = ReadonlyMap<string, string>;

/**
 * Copies the headers, which are valid during one turn of the event loop only. Several lines of one name become one value, joined
 * with commas in the order of the lines, as in RFC 9110 (5.3). So a list is complete, and a header that may occur only once
 * becomes invalid when it occurs twice; `getHeader` returns the first line and hides the others.
 */
export function readHeaders(request: Pick<UWebSockets.HttpRequest, 'forEach'>): RequestHeaders {
  const headers = new Map<string, string>();
  request.forEach((name, text) => {
    const before = headers.get(name);
    // A value is bytes, one character each; `forEach` decodes it as UTF-8.
    const value = ASCII.test(text) ? text : Buffer.from(text).toString('latin1');
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  });
  return headers;
}

/**
 * Limit of all request headers together. It fits the longest token beside the headers and cookies of a browser, and a token that
 * is somewhat longer gets our answer instead of that of uWebSockets.js.
 */
const MAX_HEADER_BYTES = 16 * 1024;

/** The addon reads its header limit from the environment once, when it is loaded. */
export async function loadUws(): Promise<typeof UWebSockets> {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(MAX_HEADER_BYTES);
  return import('uWebSockets.js');
}

/** The form of `listen` with a host and options, which the package's types lack. */
interface ListeningApp {
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: UWebSockets.us_listen_socket | false) => void,
  ): void;
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: without it a second process would silently share the port. */
const EXCLUSIVE_PORT = 1;

/** Listens, or rejects when the port is taken. */
export function listenExclusively(
  app: UWebSockets.TemplatedApp,
  host: string,
  port: number,
): Promise<UWebSockets.us_listen_socket> {
  return new Promise((resolve, reject) => {
    (app as unknown as ListeningApp).listen(host, port, EXCLUSIVE_PORT, (socket) =>
      socket
        ? resolve(socket)
        : reject(new Error(`listen EADDRINUSE: ${host}:${port} can not be listened on`)),
    );
  });
}
