/**
 * One client's socket. Ten thousand of these live in a node, so it holds a few small fields and no timers or closures.
 * Using a uWebSockets.js socket after its close throws; here `socket` is undefined from that moment on, and nobody
 * waits between looking at it and using it.
 */
import type { Identity } from '../../../services/shared/tokens/token-verifier.ts';
import type { Channel } from '../hub/channel.ts';
import type { Frame } from '../hub/frame.ts';
import { DIRECT_SEND_MAX_BUFFERED_BYTES } from '../limits.ts';
import type { AddressShare } from './admission.ts';
import type { CloseCode } from './close-codes.ts';
import { BINARY_SUBPROTOCOL, type Handshake } from './handshake.ts';

/** What we use of a uWebSockets.js WebSocket. */
export interface Socket {
  /** 2 when dropped. */
  send(message: string | Uint8Array, isBinary?: boolean, compress?: boolean): number;
  getBufferedAmount(): number;
  subscribe(topic: string): boolean;
  unsubscribe(topic: string): boolean;
  end(code: number, reason: string): void;
}

/** `behindSinceTick` of a socket that gets every frame. */
export const KEEPS_UP = -1;

const NO_CHANNELS: readonly Channel[] = [];

export class Connection {
  /** Undefined before open and after close. */
  socket: Socket | undefined = undefined;
  /** What the upgrade asked for; undefined once it has been done. */
  handshake: Handshake | undefined;
  readonly share: AddressShare | undefined;
  /** Reads protobuf messages instead of JSON text. */
  readonly isBinary: boolean;
  identity: Identity | undefined = undefined;
  /** A token of this socket is being verified. */
  verifying = false;
  /** Watched boards. Replaced, never changed, so that most sockets can share one list. */
  channels: readonly Channel[] = NO_CHANNELS;
  /** For the message rate limit; whole milliseconds. */
  bucketFullAtMs = 0;
  badMessages = 0;
  /** The first tick of which this socket may have lost a frame. */
  behindSinceTick = KEEPS_UP;
  behindSinceMs = 0;
  /** A personal frame could not be sent. */
  owesPersonal = false;

  constructor(handshake: Handshake, share: AddressShare | undefined) {
    this.handshake = handshake;
    this.share = share;
    this.isBinary = handshake.protocol === BINARY_SUBPROTOCOL;
  }

  get isBehind(): boolean {
    return this.behindSinceTick !== KEEPS_UP;
  }

  /** Sends to this socket alone, unless it is closed or its buffer is filling: then the answer is false. */
  send(frame: Frame): boolean {
    const { socket, isBinary } = this;
    if (socket === undefined || socket.getBufferedAmount() > DIRECT_SEND_MAX_BUFFERED_BYTES) return false;
    socket.send(isBinary ? frame.bytes : frame.text, isBinary, false);
    return true;
  }

  /** Ends the socket with a code of the registry; a second call does nothing. */
  close({ code, reason }: CloseCode): void {
    this.socket?.end(code, reason);
  }
}
