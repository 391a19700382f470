/** What one run of a load counts. */
import { startBusyMeter } from './busy-meter.ts';
import { createHistogram } from './histogram.ts';
import type { LoadOptions, LoadResult } from './load-run.ts';
import { createSeries } from './series.ts';

/** One answer; status 0 when the connection broke. */
export interface Answered {
  readonly index: number;
  readonly status: number;
  readonly intendedMs: number;
  readonly sentMs: number;
  readonly nowMs: number;
  /** Whether it belongs to the timed part. */
  readonly timed: boolean;
}

export interface Tally {
  unsent: number;
  startTimed(): void;
  sent(index: number, sentMs: number): void;
  answered(answer: Answered): void;
  /** Requests whose answer nobody waits for any more. */
  unanswered(count: number): void;
  result(timedMs: number): LoadResult;
}

export function createTally({ keepStarts, keepAccepted }: LoadOptions, startMs: number): Tally {
  const latency = createHistogram();
  const refusals = createHistogram();
  const series = createSeries(startMs);
  const statuses: Record<number, number> = {};
  const startsMs: number[] = [];
  const acceptedIndexes: number[] = [];
  let meter = startBusyMeter();
  let operations = 0;
  const tally: Tally = {
    unsent: 0,
    startTimed() {
      meter = startBusyMeter();
    },
    sent(index, sentMs) {
      if (keepStarts) startsMs[index] = sentMs;
    },
    answered({ index, status, intendedMs, sentMs, nowMs, timed }) {
      operations += 1;
      if (keepAccepted && status === 200) acceptedIndexes.push(index);
      series.record(nowMs, status === 200, nowMs - intendedMs);
      if (!timed) return;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 200) latency.record(nowMs - intendedMs);
      else refusals.record(nowMs - sentMs);
    },
    unanswered(count) {
      if (count > 0) statuses[0] = (statuses[0] ?? 0) + count;
    },
    result: (timedMs) => ({
      operations,
      seconds: timedMs / 1000,
      accepted: statuses[200] ?? 0,
      statuses,
      unsent: tally.unsent,
      latency: latency.counts,
      refusals: refusals.counts,
      series: series.steps(),
      startsMs,
      acceptedIndexes,
      ...meter.read(),
    }),
  };
  return tally;
}
