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
