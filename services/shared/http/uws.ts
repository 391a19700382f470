/** The one door to uWebSockets.js: the addon, loaded with the limits that can only be set before it is. */
import type * as UWebSockets from 'uWebSockets.js';

export type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket, WebSocket } from 'uWebSockets.js';

const ASCII = /^[\0-\x7f]*$/;

/** The headers of one request by lower-case name. */
export type RequestHeaders = ReadonlyMap<string, string>;

/**
 * Copies the headers, which uWebSockets.js lends for one turn only. Several lines of one name become one value, joined with
 * commas in the order of the lines, as RFC 9110 (5.3) has it. So a list is whole, and a header that may come only once has no
 * valid value when it came twice; `getHeader` gives the first line and hides the others.
 */
export function readHeaders(request: Pick<UWebSockets.HttpRequest, 'forEach'>): RequestHeaders {
  const headers = new Map<string, string>();
  request.forEach((name, text) => {
    const before = headers.get(name);
    // A value is bytes, and one character stands for each; `forEach` reads it as UTF-8.
    const value = ASCII.test(text) ? text : Buffer.from(text).toString('latin1');
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  });
  return headers;
}

/** All request headers together; a token and a browser's usual headers take about 2 KiB. */
const MAX_HEADER_BYTES = 8 * 1024;

/** The addon reads its header limit once, from the environment, at load. */
export async function loadUws(): Promise<typeof UWebSockets> {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(MAX_HEADER_BYTES);
  return import('uWebSockets.js');
}

/** What the package's types leave out: the form of `listen` with a host and options. */
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
