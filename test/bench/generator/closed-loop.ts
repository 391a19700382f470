/** Every connection sends its next request when the last one is answered, until the time or the requests are over. */
import { type HttpConnection, openHttpConnection } from './http-connection.ts';
import type { Loop } from './load.ts';
import { monotonicMs } from './monotonic.ts';

/** Resolves with when the last request was answered. */
export function runClosedLoop({ options, tally, timedFromMs, endMs, take }: Loop): Promise<number> {
  return new Promise((resolve) => {
    const connections = Array.from({ length: options.connections }, () => openHttpConnection(options.port));
    let busy = connections.length;

    function next(connection: HttpConnection): void {
      const sentMs = monotonicMs();
      const request = sentMs < endMs ? take() : undefined;
      if (request === undefined) {
        retire(connection);
        return;
      }
      const { index, bytes } = request;
      tally.sent(index, sentMs);
      connection.send(bytes, (status) => {
        const nowMs = monotonicMs();
        const timed = sentMs >= timedFromMs && nowMs <= endMs;
        tally.answered({ index, status, intendedMs: sentMs, sentMs, nowMs, timed });
        next(connection);
      });
    }

    function retire(connection: HttpConnection): void {
      connection.close();
      busy -= 1;
      if (busy === 0) resolve(monotonicMs());
    }

    for (const connection of connections) next(connection);
  });
}
