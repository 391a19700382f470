/**
 * The cheapest HTTP/1.1 client that still is one: a kept-alive connection that writes prepared bytes and reads just
 * enough of the answer to know its status and its end. One request at a time, no pipelining, no headers parsed but
 * content-length. A server that closes the connection gets a new one for the next request.
 */
import { connect, type Socket } from 'node:net';

/** The answer's status, or 0 when the connection broke before the answer was complete. */
export type OnAnswer = (status: number) => void;

export interface HttpConnection {
  /** Connects before there is anything to send; resolves also when it can't, which the first request will meet again. */
  open(): Promise<void>;
  /** The connection must be free. */
  send(request: Buffer, onAnswer: OnAnswer): void;
  close(): void;
}

/** One read of one socket at a time, consumed before the next: all connections of a process share it. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
const HEAD_END = '\r\n\r\n';
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
/** "HTTP/1.1 200": where the status stands. */
const STATUS_AT = 9;

export function openHttpConnection(port: number, host = '127.0.0.1'): HttpConnection {
  let socket: Socket | undefined;
  let waiting: OnAnswer | undefined;
  let heard = '';

  function finish(status: number): void {
    const answer = waiting;
    waiting = undefined;
    heard = '';
    answer?.(status);
  }

  function read(length: number): boolean {
    const text = heard + READ_BUFFER.toString('latin1', 0, length);
    const total = answerLength(text);
    if (total === undefined || text.length < total) heard = text;
    else finish(Number(text.slice(STATUS_AT, STATUS_AT + 3)));
    return true;
  }

  function dial(): Socket {
    const dialled = connect({ port, host, noDelay: true, onread: { buffer: READ_BUFFER, callback: read } });
    const lost = () => {
      if (socket !== dialled) return;
      socket = undefined;
      finish(0);
    };
    dialled.on('error', lost);
    dialled.on('end', () => dialled.destroy());
    dialled.on('close', lost);
    return dialled;
  }

  return {
    open: () =>
      new Promise((resolve) => {
        socket ??= dial();
        socket.once('connect', resolve);
        socket.once('close', () => resolve());
      }),
    send(request, onAnswer) {
      waiting = onAnswer;
      socket ??= dial();
      socket.write(request);
    },
    close() {
      const closing = socket;
      socket = undefined;
      waiting = undefined;
      closing?.destroy();
    },
  };
}

/** Bytes of the whole answer, once its head is complete. */
function answerLength(text: string): number | undefined {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const length = CONTENT_LENGTH.exec(text)?.[1];
  return headEnd + HEAD_END.length + Number(length ?? 0);
}
