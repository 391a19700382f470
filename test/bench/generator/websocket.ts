/**
 * The cheapest WebSocket client that still is one: enough of RFC 6455 to open, to read unmasked frames, to answer pings and
 * to be told apart from a browser by nothing. Speaks plain WebSocket, also with the subprotocol of binary frames, and
 * Engine.IO's few words for a Socket.IO server.
 */
import { connect, type Socket } from 'node:net';

export type Dialect = 'plain' | 'binary' | 'socket.io';

export interface WatcherOptions {
  port: number;
  path: string;
  /** Source address: one address has ports for 28,000 connections to one server. */
  localAddress: string;
  dialect: Dialect;
  /** A data frame's payload, valid only during the call. */
  onFrame: (payload: Buffer) => void;
  /** True when it is open, false when it was refused or is gone. */
  onState: (open: boolean) => void;
}

export interface Watcher {
  close(): void;
}

/** One read at a time, consumed before the next: all sockets of a process share it. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
const TEXT = 1;
const PING = 9;
const PONG = 10;
const CLOSE = 8;
const BINARY_SUBPROTOCOL = 'Sec-WebSocket-Protocol: scoreboard.v1.proto\r\n';
const SWITCHING = 'HTTP/1.1 101';
/** Engine.IO's packets are a digit and a payload; Socket.IO's messages are packets of type 4. */
const ENGINE = { open: 0x30, ping: 0x32, message: 0x34 };
const SOCKET_EVENT = 0x32;

export function openWatcher(options: WatcherOptions): Watcher {
  const { port, path, localAddress, dialect, onFrame, onState } = options;
  let rest: Buffer | undefined;
  let upgraded = false;
  let state = false;

  function setState(open: boolean): void {
    if (state === open) return;
    state = open;
    onState(open);
  }

  function read(length: number): boolean {
    const chunk = READ_BUFFER.subarray(0, length);
    let bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    rest = undefined;
    if (!upgraded) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return keep(bytes);
      if (!bytes.toString('latin1', 0, SWITCHING.length).startsWith(SWITCHING)) {
        socket.destroy();
        return true;
      }
      upgraded = true;
      if (dialect !== 'socket.io') setState(true);
      bytes = bytes.subarray(end + 4);
    }
    return readFrames(bytes);
  }

  /** The shared buffer is about to be written again. */
  function keep(bytes: Buffer): true {
    rest = bytes.length === 0 ? undefined : Buffer.from(bytes);
    return true;
  }

  function readFrames(bytes: Buffer): true {
    let at = 0;
    while (bytes.length - at >= 2) {
      let size = (bytes[at + 1] ?? 0) & 0x7f;
      let start = at + 2;
      if (size === 126) {
        if (bytes.length - at < 4) break;
        size = bytes.readUInt16BE(at + 2);
        start = at + 4;
      } else if (size === 127) {
        if (bytes.length - at < 10) break;
        size = Number(bytes.readBigUInt64BE(at + 2));
        start = at + 10;
      }
      if (bytes.length < start + size) break;
      handle((bytes[at] ?? 0) & 0x0f, bytes.subarray(start, start + size));
      at = start + size;
    }
    return keep(bytes.subarray(at));
  }

  function handle(opcode: number, payload: Buffer): void {
    if (opcode === PING) socket.write(maskedFrame(PONG, payload));
    else if (opcode === CLOSE) socket.destroy();
    else if (dialect !== 'socket.io') onFrame(payload);
    else handleEngine(payload);
  }

  function handleEngine(payload: Buffer): void {
    const [type, kind] = payload;
    if (type === ENGINE.open) socket.write(maskedFrame(TEXT, Buffer.from('40')));
    else if (type === ENGINE.ping) socket.write(maskedFrame(TEXT, Buffer.from('3')));
    else if (type !== ENGINE.message) return;
    else if (kind === SOCKET_EVENT) onFrame(payload);
    else setState(true);
  }

  const socket: Socket = connect({
    ...{ port, host: '127.0.0.1', localAddress, noDelay: true },
    onread: { buffer: READ_BUFFER, callback: read },
  });
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
      `${dialect === 'binary' ? BINARY_SUBPROTOCOL : ''}\r\n`,
  );
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.on('close', () => {
    if (state) setState(false);
    else onState(false);
  });
  return { close: () => void socket.destroy() };
}

/** Client frames must be masked; a mask of zeros is one. All of ours are short. */
function maskedFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
