/** WebSocket frames byte by byte, as RFC 6455 allows them and as it doesn't, over a plain TCP connection. */
import { connect, type Socket } from 'node:net';
import { waitFor } from '../wait-for.ts';

export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

export interface FrameForm {
  opcode: number;
  payload?: string | Buffer;
  fin?: boolean;
  /** The three reserved bits: 4, 2 and 1. */
  reserved?: number;
  masked?: boolean;
  /** Bytes that the length takes beyond the first: as few as will do unless told. */
  lengthBytes?: 0 | 2 | 8;
  /** What the header says, when it lies. */
  length?: bigint;
}

/** Any mask does; this one shows when somebody forgets to take it off. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** One frame as a client sends it, right unless told otherwise. */
export function frame({
  opcode,
  payload = '',
  fin = true,
  reserved = 0,
  masked = true,
  ...form
}: FrameForm): Buffer {
  const bytes = Buffer.from(payload);
  const length = form.length ?? BigInt(bytes.length);
  const lengthBytes = form.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  if (!masked) return Buffer.concat([head, bytes]);
  return Buffer.concat([head, MASK, bytes.map((byte, index) => byte ^ (MASK[index % 4] ?? 0))]);
}

export const text = (payload: string | Buffer) => frame({ opcode: OPCODE.TEXT, payload });

/** A close frame with this code. */
export function closing(code: number, reason: string | Buffer = ''): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame({ opcode: OPCODE.CLOSE, payload: Buffer.concat([payload, Buffer.from(reason)]) });
}

export interface Heard {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface RawSocket {
  readonly tcp: Socket;
  /** What the server answered to the handshake, up to the empty line. */
  readonly head: string;
  /** Every frame of the server so far. */
  readonly frames: readonly Heard[];
  readonly ended: boolean;
  write(...frames: readonly Buffer[]): void;
  /** Resolves with the first frame, past or future, that fits. */
  frame(fits: (frame: Heard) => boolean): Promise<Heard>;
  /** Resolves with the code of the server's close frame, or 1006 when the connection ended without one. */
  closed(limitMs?: number): Promise<number>;
  destroy(): void;
}

export const HANDSHAKE = {
  Host: 'localhost',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
} as const;

export function handshake(path = '/live', more: Record<string, string> = {}, method = 'GET'): string {
  const headers = Object.entries({ ...HANDSHAKE, ...more }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${headers.join('')}\r\n`;
}

/** Opens a connection, says the opening line, and resolves once the server's head is there. `from` is any of 127.0.0.0/8. */
export async function openRaw(
  port: number,
  opening: string | Buffer = handshake(),
  from = '127.0.0.1',
): Promise<RawSocket> {
  const tcp = connect({ port, host: '127.0.0.1', localAddress: from });
  const frames: Heard[] = [];
  let head: string | undefined;
  let unread: Buffer = Buffer.alloc(0);
  let ended = false;
  tcp.on('error', () => undefined);
  tcp.on('close', () => {
    ended = true;
  });
  tcp.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    if (head === undefined) {
      const end = unread.indexOf('\r\n\r\n');
      if (end < 0) return;
      head = unread.subarray(0, end).toString('latin1');
      unread = unread.subarray(end + 4);
    }
    if (head.startsWith('HTTP/1.1 101')) unread = takeFrames(unread, frames);
  });
  tcp.write(opening);
  await waitFor(() => (head !== undefined || ended ? true : undefined), { describe: 'an answer' });
  const closeFrame = () => frames.find(({ opcode }) => opcode === OPCODE.CLOSE);
  return {
    tcp,
    head: head ?? '',
    frames,
    get ended() {
      return ended;
    },
    write: (...pieces) => void tcp.write(Buffer.concat(pieces)),
    frame: (fits) => waitFor(() => frames.find(fits)),
    async closed(limitMs = 15_000) {
      await waitFor(() => ended || closeFrame(), { describe: 'the end of the socket', limitMs });
      const { payload } = closeFrame() ?? {};
      return payload === undefined ? 1006 : payload.length < 2 ? 1005 : payload.readUInt16BE(0);
    },
    destroy: () => tcp.destroy(),
  };
}

/** Moves whole frames from the bytes to the list and returns what is left. Servers never mask. */
function takeFrames(bytes: Buffer, frames: Heard[]): Buffer {
  let rest = bytes;
  for (;;) {
    const short = (rest[1] ?? 0) & 0x7f;
    const at = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (rest.length < at) return rest;
    const length =
      short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short;
    if (rest.length < at + length) return rest;
    frames.push({ opcode: (rest[0] ?? 0) & 0x0f, payload: rest.subarray(at, at + length) });
    rest = rest.subarray(at + length);
  }
}
