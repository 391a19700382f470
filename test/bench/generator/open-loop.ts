/**
 * Requests start at a steady rate, whatever the answers do. One that finds no free connection waits for one, and its
 * time has begun. The loop looks for due requests every millisecond, so half a millisecond of its own is in each time.
 */
import type { HttpConnection } from './http-connection.ts';
import type { Loop } from './loop.ts';
import { monotonicMs } from './monotonic.ts';

interface Due {
  readonly index: number;
  readonly bytes: Buffer;
  readonly intendedMs: number;
}

const LOOK_EVERY_MS = 1;
/** After the end, answers that are under way may come for this long; those that don't were not answered. */
const LAST_ANSWERS_MS = 3_000;

/** Resolves with when the last request was answered or given up. */
export function runOpenLoop(loop: Loop, ratePerS: number): Promise<number> {
  const { options, connections, tally, startMs, timedFromMs, endMs } = loop;
  const { maxWaiting = Number.POSITIVE_INFINITY } = options;
  const free = [...connections];
  const waiting: Due[] = [];
  let firstWaiting = 0;
  let issued = 0;
  let underWay = 0;
  let onQuiet: (() => void) | undefined;

  function send(connection: HttpConnection, { index, bytes, intendedMs }: Due): void {
    const sentMs = monotonicMs();
    tally.sent(index, sentMs);
    underWay += 1;
    connection.send(bytes, (status) => {
      underWay -= 1;
      const timed = intendedMs >= timedFromMs;
      tally.answered({ index, status, intendedMs, sentMs, nowMs: monotonicMs(), timed });
      if (status !== 200 && status !== 0) loop.giveBack(index);
      const due = waiting[firstWaiting];
      if (due === undefined) free.push(connection);
      else {
        firstWaiting += 1;
        send(connection, due);
      }
      if (underWay === 0) onQuiet?.();
    });
  }

  function start(intendedMs: number): void {
    const isFull = free.length === 0 && waiting.length - firstWaiting >= maxWaiting;
    const request = isFull ? undefined : loop.take();
    if (request === undefined) {
      if (intendedMs >= timedFromMs) tally.unsent += 1;
      return;
    }
    const due = { ...request, intendedMs };
    const connection = free.pop();
    if (connection === undefined) waiting.push(due);
    else send(connection, due);
  }

  const all = Math.round((options.warmupS + options.seconds) * ratePerS);
  function startDue(elapsedMs: number): void {
    // The first is due at once.
    const due = Math.min(all, Math.floor((elapsedMs * ratePerS) / 1000) + 1);
    for (; issued < due; issued += 1) start(startMs + (issued * 1000) / ratePerS);
  }

  return new Promise((resolve) => {
    const looking = setInterval(() => startDue(monotonicMs() - startMs), LOOK_EVERY_MS);
    setTimeout(() => {
      startDue(Number.POSITIVE_INFINITY);
      clearInterval(looking);
      // What never got a connection was kept waiting for the whole run.
      tally.unsent += waiting.length - firstWaiting;
      waiting.length = firstWaiting;
      const limit = setTimeout(finish, LAST_ANSWERS_MS);
      function finish(): void {
        clearTimeout(limit);
        tally.unanswered(underWay);
        resolve(endMs);
      }
      onQuiet = finish;
      if (underWay === 0) finish();
    }, endMs - monotonicMs());
  });
}
