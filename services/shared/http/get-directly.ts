/** One HTTP GET to a process on this machine. Unlike fetch and Node's global agent, it never uses a proxy from the environment. */
import { get } from 'node:http';
import { text } from 'node:stream/consumers';

export interface DirectAnswer {
  readonly status: number;
  readonly body: string;
}

export function getDirectly(url: string, signal: AbortSignal): Promise<DirectAnswer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    request.once('error', reject);
  });
}
