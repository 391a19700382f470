/** Finds the route of a request, checks method, size and content type, and calls the handler. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError } from '../../shared/errors/app-error.ts';
import { JSON_TYPE, judgeBodyForm, unpackBody } from '../../shared/http/body-form.ts';
import { parseHostHeader } from '../../shared/http/request-head.ts';
import { clientAddress, type TrustedProxies } from '../../shared/net/client-address.ts';
import type { Answer } from './answer.ts';
import type { Cors } from './cors.ts';

/** One complete request. */
export interface Call {
  readonly requestId: string;
  /** The client's address in its canonical form. */
  readonly address: string;
  readonly authorization: string;
  /** Empty if the request has none. */
  readonly body: Buffer;
  /** The group that the route's pattern captured. */
  readonly captured: string;
}

export interface Route {
  /** Matches the whole path and captures at most one group. */
  readonly path: RegExp;
  /** Whether the route reads a JSON body; any other content type is then refused. */
  readonly hasBody: boolean;
  readonly handle: (call: Call) => Promise<Answer>;
}

export interface DispatchOptions {
  readonly routes: readonly Route[];
  readonly cors: Cors;
  /** Proxies that may report a client. */
  readonly trustedProxies: TrustedProxies;
}

/** Two lines of JSON. */
export const BODY_MAX_BYTES = 1024;

/** `body` is undefined if it was too large to keep. */
export async function dispatch(
  { routes, cors, trustedProxies }: DispatchOptions,
  request: IncomingMessage,
  requestId: string,
  body: Buffer | undefined,
): Promise<Answer> {
  const { method, headers, socket } = request;
  parseHostHeader(headers.host);
  const { route, captured } = findRoute(routes, request.url ?? '');
  if (method === 'OPTIONS') return { status: 204, body: '', headers: cors.preflight(headers) };
  if (method !== 'POST') throw new AppError('METHOD_NOT_ALLOWED');
  if (body === undefined) throw new AppError('BODY_TOO_LARGE');
  const header = (name: string) => String(headers[name] ?? '');
  return route.handle({
    requestId,
    address: clientAddress(socket.remoteAddress ?? '', header, trustedProxies),
    authorization: headers.authorization ?? '',
    body: route.hasBody ? await readJson(headers, body) : body,
    captured,
  });
}

function readJson(headers: IncomingHttpHeaders, body: Buffer): Buffer | Promise<Buffer> {
  const type = headers['content-type'] ?? '';
  const encoding = headers['content-encoding'] ?? '';
  const { coding } = judgeBodyForm(type, encoding, (mediaType) => mediaType === JSON_TYPE);
  return unpackBody(body, coding, BODY_MAX_BYTES);
}

function findRoute(routes: readonly Route[], url: string): { route: Route; captured: string } {
  const [path = ''] = url.split('?');
  for (const route of routes) {
    const match = route.path.exec(path);
    if (match !== null) return { route, captured: match[1] ?? '' };
  }
  throw new AppError('ROUTE_NOT_FOUND');
}
