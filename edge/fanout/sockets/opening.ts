/** Decides on an upgrade: a socket with a session, a socket that is closed at once with a reason for its page, or an HTTP refusal. */
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import type { AllowedOrigins } from '../../../services/shared/http/origins.ts';
import { parseHostHeader } from '../../../services/shared/http/request-head.ts';
import { type HttpRequest, type HttpResponse, readHeaders } from '../../../services/shared/http/uws.ts';
import {
  clientAddress,
  type HeaderLookup,
  type TrustedProxies,
} from '../../../services/shared/net/client-address.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { FanoutMetrics } from '../metrics/fanout-metrics.ts';
import type { Admission } from './admission.ts';
import { parseHandshake } from './handshake.ts';
import { closeForPage, type RefusedSocket } from './refused-socket.ts';
import { Session } from './session.ts';

/** The addon copies the fields of user data, so an object with methods would lose them. One of the two is set. */
export interface UserData {
  readonly session?: Session;
  readonly refused?: RefusedSocket;
}

export interface Opening {
  readonly data: UserData;
  /** The subprotocol for the answer. */
  readonly protocol: string;
  readonly key: string;
}

export interface OpeningOptions {
  allowedOrigins: AllowedOrigins;
  trustedProxies: TrustedProxies;
  admission: Admission;
  metrics: FanoutMetrics;
  log: Log;
  isDraining: boolean;
}

export const SOCKET_PATH = '/live';
const SPELLINGS = /^\/+live\/*$/;

/** Proxies and hand-written addresses add slashes, as in `/live/` and `//live`. A page could not read the 404. */
function isSocketPath(path: string): boolean {
  return SPELLINGS.test(path);
}

/** Returns an AppError for a refusal by HTTP. */
export function openingOf(
  response: HttpResponse,
  request: HttpRequest,
  options: OpeningOptions,
): Opening | AppError {
  try {
    if (options.isDraining) throw new AppError('SHUTTING_DOWN', { retryAfterMs: 1000 });
    return open(response, request, options);
  } catch (thrown) {
    const error = toAppError(thrown);
    options.metrics.refused.inc({ reason: error.reason });
    return error;
  }
}

function open(response: HttpResponse, request: HttpRequest, options: OpeningOptions): Opening {
  const { allowedOrigins, trustedProxies, admission, metrics, log } = options;
  const headers = readHeaders(request);
  const header: HeaderLookup = (name) => headers.get(name) ?? '';
  const handshake = { query: request.getQuery(), headers };
  const key = header('sec-websocket-key');
  const admit = () => admission.admit(clientAddress(peerOf(response), header, trustedProxies));
  parseHostHeader(headers.get('host'));
  try {
    if (!isSocketPath(request.getUrl())) throw new AppError('ROUTE_NOT_FOUND');
    const parsed = parseHandshake(handshake, allowedOrigins);
    return { data: { session: new Session(parsed, admit()) }, protocol: parsed.protocol, key };
  } catch (thrown) {
    const error = toAppError(thrown);
    const forPage = closeForPage(error, handshake);
    if (forPage === undefined) throw error;
    // Its address and its node admit it as any other socket, or refuse it by HTTP.
    const refused = { close: forPage.close, share: admit() };
    metrics.refused.inc({ reason: error.reason });
    // The developer of the page looks here first. Few lines of a kind are written in a second.
    log.info({ reason: error.reason, origin: header('origin') }, 'page refused');
    return { data: { refused }, protocol: forPage.protocol, key };
  }
}

export function peerOf(response: HttpResponse): string {
  return Buffer.from(response.getRemoteAddressAsText()).toString();
}
