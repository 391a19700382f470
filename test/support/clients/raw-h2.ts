/** HTTP/2 frames byte by byte, as no library sends them. */
import { connect } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** One HTTP/2 frame. */
export function h2(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Writes until the server ends the connection or the bytes are all out; true when it was ended. */
export function flood(
  address: string,
  opening: readonly Buffer[],
  repeated: Buffer,
  times: number,
): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    let left = times;
    const send = () => {
      while (left > 0 && !socket.destroyed) {
        left -= 1;
        if (!socket.write(repeated)) return;
      }
      if (left === 0) socket.end();
    };
    socket.on('data', () => undefined);
    socket.on('drain', send);
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(left > 0));
    socket.write(Buffer.concat([PREFACE, ...opening]));
    send();
  });
}

export interface Heard {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Writes the bytes and hears until `done`, or until the server ends the connection. */
export function converse(
  address: string,
  bytes: readonly Buffer[],
  done: (heard: readonly Heard[]) => boolean,
): Promise<Heard[]> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    const heard: Heard[] = [];
    let unread: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
        const end = 9 + unread.readUIntBE(0, 3);
        heard.push({
          type: unread[3] ?? 0,
          stream: unread.readUInt32BE(5) & 0x7fff_ffff,
          payload: unread.subarray(9, end),
        });
        unread = unread.subarray(end);
      }
      if (done(heard)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
    socket.write(Buffer.concat([PREFACE, ...bytes]));
  });
}

/** The header block of a gRPC call, in HPACK without tables. */
export function callHeaders(path: string): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  return Buffer.concat([
    Buffer.of(0x83, 0x86, 0x04),
    text(path),
    Buffer.of(0x01),
    text('x'),
    Buffer.of(0x0f, 0x10),
    text('application/grpc'),
  ]);
}
