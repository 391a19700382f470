/**
 * The registry of close codes. The range says whether to come back: 1xxx is the WebSocket standard's own, 4000–4099
 * means "come back, but later" (with back-off), 4400–4499 means "not like this": change what the code names first.
 * A socket whose message is too long or breaks the protocol is cut by uWebSockets.js without a code (1006).
 */

export interface CloseCode {
  readonly code: number;
  readonly reason: string;
}

export const CLOSE = {
  /** The node is stopping. The reason is JSON: {"retryMs"} says how long to wait before coming back. */
  RESTART: { code: 1012, reason: 'restarting' },
  /** The token can't be checked at the moment. */
  TRY_AGAIN_LATER: { code: 1013, reason: 'try again later' },
  /** The socket could not keep up with the newest state for too long. */
  SLOW_CONSUMER: { code: 4008, reason: 'slow consumer' },
  /** The player has too many sockets already. */
  TOO_MANY_SOCKETS: { code: 4009, reason: 'too many sockets' },
  /** More messages than allowed. */
  TOO_MANY_MESSAGES: { code: 4029, reason: 'too many messages' },
  /** Several messages that are not in the documentation. */
  BAD_MESSAGES: { code: 4400, reason: 'bad messages' },
  /** The token is not valid here: come back with another one, or with none. */
  TOKEN_INVALID: { code: 4401, reason: 'token invalid' },
  /** The token, its player's tokens or its key were taken back: come back with another one, or with none. */
  TOKEN_REVOKED: { code: 4401, reason: 'token revoked' },
  /** The token's time is over: come back with a new one. */
  TOKEN_EXPIRED: { code: 4401, reason: 'token expired' },
} as const satisfies Record<string, CloseCode>;

/** Whether a client may come back without changing anything. */
export function mayComeBack(code: number): boolean {
  return code < 4400 || code > 4499;
}
