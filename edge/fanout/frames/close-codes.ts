/**
 * The registry of close codes. The range tells a client whether to reconnect: 1xxx are the codes of the WebSocket standard,
 * 4000–4099 mean "reconnect with back-off", and 4400–4499 mean "do not reconnect before you have changed what the code names".
 * uWebSockets.js cuts a socket that breaks the protocol or sends too long a message without a code (1006).
 */

export interface CloseCode {
  readonly code: number;
  readonly reason: string;
}

export const CLOSE = {
  /** The node is stopping. The reason is JSON: {"retryMs"} says how long to wait before reconnecting. */
  RESTART: { code: 1012, reason: 'restarting' },
  /** The token cannot be verified at the moment. */
  TRY_AGAIN_LATER: { code: 1013, reason: 'try again later' },
  /** The socket was behind for too long. */
  SLOW_CONSUMER: { code: 4008, reason: 'slow consumer' },
  /** The player has too many sockets. */
  TOO_MANY_SOCKETS: { code: 4009, reason: 'too many sockets' },
  /** The client sent messages faster than allowed. */
  TOO_MANY_MESSAGES: { code: 4029, reason: 'too many messages' },
  /** The client sent several invalid messages. */
  BAD_MESSAGES: { code: 4400, reason: 'bad messages' },
  /** A token is in the URL, where logs keep it. */
  TOKEN_IN_URL: { code: 4400, reason: 'a token must not be in the URL' },
  /** The handshake asks for a subprotocol or a position that does not exist. */
  BAD_HANDSHAKE: { code: 4400, reason: 'the handshake is not a documented one' },
  /** The token is invalid: reconnect with another one, or without. */
  TOKEN_INVALID: { code: 4401, reason: 'token invalid' },
  /** The token, all tokens of the player, or the signing key were revoked: reconnect with another token, or without. */
  TOKEN_REVOKED: { code: 4401, reason: 'token revoked' },
  /** The token has expired: reconnect with a new one. */
  TOKEN_EXPIRED: { code: 4401, reason: 'token expired' },
  /** The page is of an origin that may not open sockets. */
  ORIGIN_NOT_ALLOWED: { code: 4403, reason: 'the origin of the page is not in ALLOWED_ORIGINS' },
  WRONG_PATH: { code: 4404, reason: 'wrong path: the socket is at /live' },
  /** The token is longer than 8,192 characters: reconnect with a shorter one, or without. */
  TOKEN_TOO_LARGE: { code: 4413, reason: 'token too large' },
} as const satisfies Record<string, CloseCode>;

/** Whether a client may reconnect without changing anything. */
export function mayComeBack(code: number): boolean {
  return code < 4400 || code > 4499;
}
