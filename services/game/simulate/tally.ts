/** Counts the outcomes of actions and prints them for a person. */
import type { Sent } from './post-score.ts';

export interface Totals {
  readonly accepted: number;
  readonly refused: number;
}

/** Latencies kept for the summary; the newest replace the oldest. */
const MAX_SAMPLES = 100_000;
const whole = new Intl.NumberFormat('en');

export function createTally() {
  const all: number[] = [];
  let sinceLine: number[] = [];
  let accepted = 0;
  let refused = 0;
  const reasons = new Map<string, number>();

  return {
    count(sent: Sent): void {
      if (!sent.accepted) {
        refused += 1;
        reasons.set(sent.reason, (reasons.get(sent.reason) ?? 0) + 1);
        return;
      }
      all[accepted % MAX_SAMPLES] = sent.latencyMs;
      sinceLine.push(sent.latencyMs);
      accepted += 1;
    },
    /** The state of the run, with the latencies since the last line. */
    line(elapsedS: number, inFlight: number): string {
      const latencies = describeLatencies(sinceLine);
      sinceLine = [];
      const counts = `accepted ${whole.format(accepted)}  refused ${whole.format(refused)}`;
      return `${elapsedS.toFixed(0).padStart(5)} s  ${counts}  in flight ${inFlight}  ${latencies}`;
    },
    summary(elapsedS: number): string {
      const perSecond = whole.format(Math.round(accepted / Math.max(elapsedS, 0.001)));
      const lines = [
        `${whole.format(accepted)} accepted in ${elapsedS.toFixed(1)} s (${perSecond}/s), ${describeLatencies(all)}`,
      ];
      const byCount = [...reasons].sort(([, a], [, b]) => b - a);
      for (const [reason, count] of byCount) lines.push(`${whole.format(count)} refused: ${reason}`);
      return lines.join('\n');
    },
    get totals(): Totals {
      return { accepted, refused };
    },
  };
}

function describeLatencies(samples: readonly number[]): string {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const show = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)} ms`);
  return `p50 ${show(at(0.5))}  p95 ${show(at(0.95))}`;
}
