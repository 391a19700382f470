/**
 * One kept-alive HTTP/1.1 connection that asks and hears as fast as two cores allow. What it sends is framed rightly;
 * everything inside the frame is for the caller to make up.
 */
import { connect, type Socket } from 'node:net';

export interface HttpInput {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Without host and length. Values may hold any byte but control characters. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export interface HttpOutput {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  readonly text: string;
}

export interface HttpLine {
  /** Rejects when nothing comes in time. */
  ask(input: HttpInput): Promise<HttpOutput>;
  close(): void;
}

/** Far above every deadline of a server: what takes longer hangs. */
export const HANG_LIMIT_MS = 15_000;

export function bytesOf({ method, path, headers, body }: HttpInput): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const length = method === 'GET' ? '' : `Content-Length: ${body.length}\r\n`;
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: fuzz\r\n${lines}${length}\r\n`, 'latin1');
  return method === 'GET' ? head : Buffer.concat([head, body]);
}

export function openHttpLine(port: number): HttpLine {
  let socket: Socket | undefined;
  let heard = '';
  let settle: ((output: HttpOutput) => void) | undefined;

  function finish(): void {
    const output = { status: statusIn(heard), text: heard };
    const done = settle;
    // What is written after this would be lost with the connection.
    if (/\r\nconnection: close/i.test(heard)) {
      socket?.destroy();
      socket = undefined;
    }
    heard = '';
    settle = undefined;
    done?.(output);
  }

  function open(): Socket {
    const fresh = connect(port, '127.0.0.1');
    fresh.setNoDelay(true);
    fresh.on('error', () => undefined);
    fresh.on('close', () => {
      if (socket !== fresh) return;
      socket = undefined;
      finish();
    });
    fresh.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (isWhole(heard)) finish();
    });
    socket = fresh;
    return fresh;
  }

  return {
    ask(input) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no answer in time')), HANG_LIMIT_MS);
        settle = (output) => {
          clearTimeout(timer);
          resolve(output);
        };
        (socket ?? open()).write(bytesOf(input));
      });
    },
    close() {
      socket?.destroy();
    },
  };
}

const statusIn = (heard: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(heard)?.[1] ?? 0);

function isWhole(heard: string): boolean {
  const end = heard.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const head = heard.slice(0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return heard.length >= end + 4 + Number(length);
  return !/\r\ntransfer-encoding:/i.test(head) || heard.endsWith('0\r\n\r\n');
}
