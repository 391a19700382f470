/** Every connection sends its next request when the last one is answered, until the time or the requests are over. */
import type { HttpConnection } from './http-connection.ts';
import type { Loop } from './loop.ts';
import { monotonicMs } from './monotonic.ts';

/** Resolves with when the last request was answered. */
export function runClosedLoop({ connections, tally, timedFromMs, endMs, take }: Loop): Promise<number> {
  return new Promise((resolve) => {
    let busy = connections.length;

    function next(connection: HttpConnection): void {
      const sentMs = monotonicMs();
      const request = sentMs < endMs ? take() : undefined;
      if (request === undefined) {
        retire();
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

    function retire(): void {
      busy -= 1;
      if (busy === 0) resolve(monotonicMs());
    }

    for (const connection of connections) next(connection);
  });
}
