/**
 * Parses an upgrade request from its URL and headers alone. It refuses pages whose origin is not allowed, tokens in the URL, which
 * end up in logs, and unknown subprotocols.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { AllowedOrigins } from '../../../services/shared/http/origins.ts';
import type { Position } from '../../../services/shared/values/position.ts';
import { parsePosition } from './client-messages.ts';

export interface HandshakeRequest {
  /** The URL's query string, without the question mark. */
  readonly query: string;
  /** By name in lower case. Several lines of one name are one value, joined with commas. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Handshake {
  /** The subprotocol for the answer; empty if none was offered. */
  readonly protocol: string;
  readonly token: string | undefined;
  /** The position of the default board that the client has from an earlier socket. */
  readonly resume: Position<number> | undefined;
}

/** Required by RFC 6455. uWebSockets.js checks the length of the first key only. */
const WEBSOCKET_VERSION = '13';
const WEBSOCKET = /^websocket$/i;
const UPGRADE = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i;
const KEY_LENGTH = 24;

/** JSON text frames, the default. */
const TEXT_SUBPROTOCOL = 'scoreboard.v1';
/** The same frames as protobuf messages. */
export const BINARY_SUBPROTOCOL = 'scoreboard.v1.proto';
/** A token of RFC 9110, as a browser sends it. A JWT offered without its prefix has dots and begins with `eyJ`. */
const SUBPROTOCOL = /^(?!eyJ)[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/i;
const SUBPROTOCOLS: readonly string[] = [TEXT_SUBPROTOCOL, BINARY_SUBPROTOCOL];
/** A token is offered as `bearer.<token>` next to the subprotocol. It is never echoed. */
const TOKEN_PREFIX = 'bearer.';

const TOKEN_PARAMETER = /token|bearer|jwt|auth/i;
/** A JWT begins like this: a JSON object in base64url. */
const JWT_VALUE = /^(bearer[ .])?eyJ/i;
const COUNT = /^(0|[1-9]\d{0,15})$/;

export function parseHandshake(request: HandshakeRequest, allowedOrigins: AllowedOrigins): Handshake {
  const header = (name: string) => request.headers.get(name) ?? '';
  if (!isWebSocketHandshake(request)) throw new AppError('HANDSHAKE_INVALID');
  // Clients other than browsers send no Origin.
  const origin = header('origin');
  if (origin !== '' && !allowedOrigins.allows(origin, header('host')))
    throw new AppError('ORIGIN_NOT_ALLOWED');
  return { ...parseProtocols(header('sec-websocket-protocol')), resume: parseQuery(request.query) };
}

/** Whether the headers are those that RFC 6455 requires. */
export function isWebSocketHandshake({ headers }: HandshakeRequest): boolean {
  const header = (name: string) => headers.get(name) ?? '';
  return (
    WEBSOCKET.test(header('upgrade')) &&
    UPGRADE.test(header('connection')) &&
    header('sec-websocket-version') === WEBSOCKET_VERSION &&
    header('sec-websocket-key').length === KEY_LENGTH
  );
}

/**
 * The subprotocol for the answer to a handshake that is accepted only to be closed with a reason: a browser reads no reason unless one
 * of its offers is chosen. A token is never chosen, since the answer would repeat it.
 */
export function subprotocolForRefusal({ headers }: HandshakeRequest): string {
  const offered = offers(headers.get('sec-websocket-protocol') ?? '');
  const choices = offered.filter((item) => SUBPROTOCOL.test(item) && !item.startsWith(TOKEN_PREFIX));
  return choices.find((item) => SUBPROTOCOLS.includes(item)) ?? choices[0] ?? '';
}

function offers(header: string): string[] {
  return header.split(',').flatMap((item) => item.trim() || []);
}

function parseProtocols(header: string): { protocol: string; token: string | undefined } {
  const offered = offers(header);
  const tokens = offered.filter((item) => item.startsWith(TOKEN_PREFIX));
  // Clients offer subprotocols in order of preference.
  const protocol = offered.find((item) => SUBPROTOCOLS.includes(item)) ?? '';
  // A browser drops a connection that chose none of its offers; a refusal gives the reason.
  if ((offered.length > 0 && protocol === '') || tokens.length > 1) throw new AppError('HANDSHAKE_INVALID');
  return { protocol, token: tokens[0]?.slice(TOKEN_PREFIX.length) };
}

function parseQuery(query: string): Position<number> | undefined {
  if (query === '') return undefined;
  const parameters = new URLSearchParams(query);
  for (const [name, value] of parameters) {
    if (TOKEN_PARAMETER.test(name) || JWT_VALUE.test(value)) throw new AppError('TOKEN_IN_URL');
  }
  return parsePosition(count(parameters, 'epoch'), count(parameters, 'seq'));
}

/** A number in canonical decimal. Anything else stays a string, which is not a valid part of a position. */
function count(parameters: URLSearchParams, name: string): unknown {
  const text = parameters.get(name) ?? undefined;
  return text !== undefined && COUNT.test(text) ? Number(text) : text;
}
