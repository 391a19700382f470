/** Sockets as plain objects: what they were sent, which topics they have, and a buffer that the test fills. */
import type { AddressShare } from '../../../../../edge/fanout/hub/address-share.ts';
import { Connection, type Socket } from '../../../../../edge/fanout/hub/connection.ts';
import { decodeServerFrame } from '../../../../support/clients/binary-frame.ts';

/** Any frame. Tests name the fields that they expect. */
export type SentFrame = Readonly<Record<string, unknown>> & { readonly event: string };

export interface PlainSocket extends Socket {
  readonly connection: Connection;
  readonly frames: SentFrame[];
  readonly topics: Set<string>;
  /** Bytes that the client has not read. */
  buffered: number;
  closedWith: number | undefined;
}

export interface PlainSocketOptions {
  isBinary?: boolean;
  share?: AddressShare;
  /** Called when this side has closed the socket. */
  onClosed?: (connection: Connection) => void;
}

export function openSocket({ isBinary = false, share, onClosed }: PlainSocketOptions = {}): PlainSocket {
  const connection = new Connection({ isBinary, share });
  const socket: PlainSocket = {
    connection,
    frames: [],
    topics: new Set(),
    buffered: 0,
    closedWith: undefined,
    send(message, sentAsBinary) {
      if (sentAsBinary !== isBinary) throw new Error('the frame has the wrong encoding');
      const frame = typeof message === 'string' ? JSON.parse(message) : decodeServerFrame(message);
      socket.frames.push(frame as SentFrame);
      return 1;
    },
    getBufferedAmount: () => socket.buffered,
    subscribe: (topic) => Boolean(socket.topics.add(topic)),
    unsubscribe: (topic) => socket.topics.delete(topic),
    end(code) {
      socket.closedWith = code;
      connection.socket = undefined;
      onClosed?.(connection);
    },
  };
  connection.socket = socket;
  return socket;
}

export function identityOf(userId: string) {
  return {
    ...{ userId, username: userId, tokenId: `token of ${userId}`, issuer: 'test', keyId: 'k1' },
    ...{ issuedAtMs: 0, expiresAtMs: Number.MAX_SAFE_INTEGER },
  };
}
