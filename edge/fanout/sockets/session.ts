/** A connection with what its messages need: the handshake it came with, its rate limit and its mistakes. */
import type { AddressShare } from '../hub/address-share.ts';
import { Connection } from '../hub/connection.ts';
import { BINARY_SUBPROTOCOL, type Handshake } from './handshake.ts';

export class Session extends Connection {
  /** What the upgrade requested; undefined once it has been done. */
  handshake: Handshake | undefined;
  /** A token of this socket is being verified. */
  verifying = false;
  /** State of the message rate limit, in whole milliseconds, which take less memory. */
  restAtMs = 0;
  badMessages = 0;

  constructor(handshake: Handshake, share: AddressShare | undefined) {
    super({ isBinary: handshake.protocol === BINARY_SUBPROTOCOL, share });
    this.handshake = handshake;
  }
}
