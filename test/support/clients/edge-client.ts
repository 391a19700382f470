/** Asks an edge as a client would, and writes bytes to it as no client should. */
import { connect } from 'node:net';
import { GOOD_SIGNATURE } from '../doubles/score-double.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body, or undefined when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what a body holds is for each test to say
  readonly body: any;
}

export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A submission over REST; fields and headers can be changed, and a text or bytes take the body's place. */
export function submit(
  base: string,
  token: string | undefined,
  fields: Record<string, unknown> | string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body =
    typeof fields === 'string' || Buffer.isBuffer(fields)
      ? fields
      : JSON.stringify({ actionId: 'a1', points: 100, signature: GOOD_SIGNATURE, ...fields });
  return ask(`${base}/api/v1/score/update`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && bearer(token)), ...headers },
    body,
  });
}

/** Writes pieces of raw HTTP, each after the first when something was heard, and hears until `until` or the end. */
export function speak(
  port: number,
  pieces: readonly string[],
  until: (heard: string) => boolean = () => false,
): Promise<{ heard: string; closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const rest = [...pieces];
    let heard = '';
    const finish = (closed: boolean) => {
      socket.destroy();
      resolve({ heard, closed });
    };
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      const next = rest.shift();
      if (next !== undefined) socket.write(next, 'latin1');
      else if (until(heard)) finish(false);
    });
    socket.on('error', () => finish(true));
    socket.on('close', () => finish(true));
    socket.on('connect', () => socket.write(rest.shift() ?? '', 'latin1'));
  });
}

/** How many answers stand in what was heard. */
export const answersIn = (heard: string) => heard.split('HTTP/1.1 ').length - 1;
