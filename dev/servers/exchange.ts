/** Sends lines to a server on this machine and waits for an answer. For the line protocols of Redis and NATS. */
import { connect } from 'node:net';

const SILENCE_LIMIT_MS = 1_000;

/** Rejects if the server is silent for too long or closes the connection before the expected answer. */
export function exchange(
  port: number,
  question: string,
  answer: string,
  limitMs = SILENCE_LIMIT_MS,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let heard = '';
    socket.setTimeout(limitMs, () => socket.destroy(new Error('no answer')));
    socket.once('connect', () => socket.write(question));
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (!heard.includes(answer)) return;
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without the expected answer')));
  });
}
