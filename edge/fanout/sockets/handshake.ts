/**
 * What an upgrade request asks for, judged at once and from its headers alone. It refuses pages that are not on the
 * list, tokens in the URL (they end up in logs), and subprotocols that nobody speaks here.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { AllowedOrigins } from '../../../services/shared/http/origins.ts';
import type { Position } from '../hub/board-state.ts';
import { parsePosition } from './client-messages.ts';

export interface HandshakeRequest {
  /** The URL's query string, without the question mark. */
  readonly query: string;
  /** By name in lower case; the lines of one name are one list, with a comma between them. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Handshake {
  /** The subprotocol to answer with; empty when none was offered. */
  readonly protocol: string;
  readonly token: string | undefined;
  /** The position of the default board that the client still has. */
  readonly resume: Position | undefined;
}

/** What RFC 6455 asks for: uWebSockets.js looks at the length of the first key alone. */
const WEBSOCKET_VERSION = '13';
const WEBSOCKET = /^websocket$/i;
const UPGRADE = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i;
const KEY_LENGTH = 24;

/** JSON text frames, as without a subprotocol. */
const TEXT_SUBPROTOCOL = 'scoreboard.v1';
/** The same frames as protobuf messages. */
export const BINARY_SUBPROTOCOL = 'scoreboard.v1.proto';
const SUBPROTOCOLS: readonly string[] = [TEXT_SUBPROTOCOL, BINARY_SUBPROTOCOL];
/** A JWT travels as `bearer.<token>` next to the subprotocol; it is never echoed. */
const TOKEN_PREFIX = 'bearer.';

const TOKEN_PARAMETER = /token|bearer|jwt|auth/i;
/** A JSON object in base64url begins like this. */
const JWT_VALUE = /^(bearer[ .])?eyJ/i;
const COUNT = /^(0|[1-9]\d{0,15})$/;

export function parseHandshake(request: HandshakeRequest, allowedOrigins: AllowedOrigins): Handshake {
  const header = (name: string) => request.headers.get(name) ?? '';
  const isWebSocket =
    WEBSOCKET.test(header('upgrade')) &&
    UPGRADE.test(header('connection')) &&
    header('sec-websocket-version') === WEBSOCKET_VERSION &&
    header('sec-websocket-key').length === KEY_LENGTH;
  if (!isWebSocket) throw new AppError('HANDSHAKE_INVALID');
  // Programs other than browsers send none.
  const origin = header('origin');
  if (origin !== '' && !allowedOrigins.allows(origin, header('host')))
    throw new AppError('ORIGIN_NOT_ALLOWED');
  return { ...parseProtocols(header('sec-websocket-protocol')), resume: parseQuery(request.query) };
}

function parseProtocols(header: string): { protocol: string; token: string | undefined } {
  const offered = header.split(',').flatMap((item) => item.trim() || []);
  const tokens = offered.filter((item) => item.startsWith(TOKEN_PREFIX));
  // A client offers what it likes best first.
  const protocol = offered.find((item) => SUBPROTOCOLS.includes(item)) ?? '';
  // A browser gives up a connection that chose none of what it offered, so say why instead.
  if ((offered.length > 0 && protocol === '') || tokens.length > 1) throw new AppError('HANDSHAKE_INVALID');
  return { protocol, token: tokens[0]?.slice(TOKEN_PREFIX.length) };
}

function parseQuery(query: string): Position | undefined {
  if (query === '') return undefined;
  const parameters = new URLSearchParams(query);
  for (const [name, value] of parameters) {
    if (TOKEN_PARAMETER.test(name) || JWT_VALUE.test(value)) throw new AppError('TOKEN_IN_URL');
  }
  return parsePosition(count(parameters, 'epoch'), count(parameters, 'seq'));
}

/** A number in canonical decimal; anything else stays a text, which no position accepts. */
function count(parameters: URLSearchParams, name: string): unknown {
  const text = parameters.get(name) ?? undefined;
  return text !== undefined && COUNT.test(text) ? Number(text) : text;
}
