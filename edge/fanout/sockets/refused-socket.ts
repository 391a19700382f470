/**
 * Refusals that a page can read. A browser hides the HTTP answer to a handshake from the page, so a handshake of a page that would fail
 * in the same way again is accepted and closed at once with a code of the registry. It costs less than a socket with a forged token:
 * it passes the same limits of its address and its node, and joins no board. Refusals that pass by themselves stay HTTP answers.
 */
import type { AppError, Reason } from '../../../services/shared/errors/app-error.ts';
import { CLOSE, type CloseCode } from '../frames/close-codes.ts';
import type { AddressShare } from '../hub/address-share.ts';
import { type HandshakeRequest, isWebSocketHandshake, subprotocolForRefusal } from './handshake.ts';

export interface RefusedSocket {
  readonly close: CloseCode;
  /** Undefined for an address without limits. */
  readonly share: AddressShare | undefined;
}

const CLOSE_OF_REASON: Partial<Record<Reason, CloseCode>> = {
  ORIGIN_NOT_ALLOWED: CLOSE.ORIGIN_NOT_ALLOWED,
  ROUTE_NOT_FOUND: CLOSE.WRONG_PATH,
  TOKEN_IN_URL: CLOSE.TOKEN_IN_URL,
  HANDSHAKE_INVALID: CLOSE.BAD_HANDSHAKE,
  MESSAGE_INVALID: CLOSE.BAD_HANDSHAKE,
};

/** How to tell the page; undefined if the client is no page, or if the refusal passes by itself. */
export function closeForPage(
  error: AppError,
  request: HandshakeRequest,
): { close: CloseCode; protocol: string } | undefined {
  const close = CLOSE_OF_REASON[error.reason];
  // Clients other than browsers send no Origin, and read the HTTP answer.
  if (close === undefined || !request.headers.get('origin') || !isWebSocketHandshake(request))
    return undefined;
  return { close, protocol: subprotocolForRefusal(request) };
}
