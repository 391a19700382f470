/** The one door to uWebSockets.js: the addon, loaded with the limits that can only be set before it is. */
import type * as UWebSockets from 'uWebSockets.js';

export type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket, WebSocket } from 'uWebSockets.js';

/** All request headers together; a token and a browser's usual headers take about 2 KiB. */
const MAX_HEADER_BYTES = 8 * 1024;

/** The addon reads its header limit once, from the environment, at load. */
export async function loadUws(): Promise<typeof UWebSockets> {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(MAX_HEADER_BYTES);
  return import('uWebSockets.js');
}
