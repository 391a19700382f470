/** What happened when: answers and their times in steps of a quarter of a second, to see how a disturbance ends. */
import { createHistogram, type Histogram } from './histogram.ts';

export interface SeriesStep {
  /** From the start of the run. */
  atMs: number;
  accepted: number;
  refused: number;
  /** Of the accepted, from the intended start. */
  p99Ms: number;
}

export const STEP_MS = 250;

export function createSeries(startMs: number) {
  const steps: { accepted: number; refused: number; latency: Histogram }[] = [];
  return {
    record(nowMs: number, accepted: boolean, latencyMs: number): void {
      const at = Math.floor((nowMs - startMs) / STEP_MS);
      while (steps.length <= at) steps.push({ accepted: 0, refused: 0, latency: createHistogram() });
      const step = steps[at];
      if (step === undefined) return;
      if (!accepted) {
        step.refused += 1;
        return;
      }
      step.accepted += 1;
      step.latency.record(latencyMs);
    },
    steps: (): SeriesStep[] =>
      steps.map(({ accepted, refused, latency }, index) => ({
        atMs: index * STEP_MS,
        accepted,
        refused,
        p99Ms: latency.quantile(0.99),
      })),
  };
}
