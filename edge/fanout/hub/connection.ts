/**
 * What the hub needs of one client's socket. A node holds ten thousand of these, so they have a few small fields and no timers or
 * closures. Using a uWebSockets.js socket after its close throws: `socket` is undefined from that moment on, and no code awaits
 * between reading and using it.
 */
import type { Identity } from '../../../services/shared/tokens/token-verifier.ts';
import type { CloseCode } from '../frames/close-codes.ts';
import type { Frame } from '../frames/frame.ts';
import type { AddressShare } from './address-share.ts';
import type { Channel } from './channel.ts';
import { DIRECT_SEND_MAX_BUFFERED_BYTES } from './limits.ts';

/** The part of a uWebSockets.js WebSocket that this process uses. */
export interface Socket {
  /** Returns 2 if the message was dropped. */
  send(message: string | Uint8Array, isBinary?: boolean, compress?: boolean): number;
  getBufferedAmount(): number;
  subscribe(topic: string): boolean;
  unsubscribe(topic: string): boolean;
  end(code: number, reason: string): void;
}

export interface ConnectionOptions {
  /** The client reads protobuf messages instead of JSON text. */
  isBinary: boolean;
  /** Undefined for an address without limits. */
  share: AddressShare | undefined;
}

const NO_CHANNELS: readonly Channel[] = [];

export class Connection {
  /** Undefined before open and after close. */
  socket: Socket | undefined = undefined;
  readonly isBinary: boolean;
  readonly share: AddressShare | undefined;
  /** The player whose own updates the socket gets. */
  identity: Identity | undefined = undefined;
  /** Watched boards. The list is replaced, never changed, so sockets can share one. */
  channels: readonly Channel[] = NO_CHANNELS;
  /** Set while the socket does not keep up: the first tick of which it may have lost a frame, and the time of that. */
  behind: { sinceTick: number; readonly sinceMs: number } | undefined = undefined;
  /** A personal frame could not be sent and is due once the buffer has drained. */
  owesPersonal = false;

  constructor({ isBinary, share }: ConnectionOptions) {
    this.isBinary = isBinary;
    this.share = share;
  }

  /** Sends to this socket alone. Returns false if it is closed or its buffer is filling. */
  send(frame: Frame): boolean {
    const { socket, isBinary } = this;
    if (socket === undefined || socket.getBufferedAmount() > DIRECT_SEND_MAX_BUFFERED_BYTES) return false;
    socket.send(isBinary ? frame.bytes : frame.text, isBinary, false);
    return true;
  }

  /** Ends the socket with a registered code. A second call does nothing. */
  close({ code, reason }: CloseCode): void {
    this.socket?.end(code, reason);
  }
}
