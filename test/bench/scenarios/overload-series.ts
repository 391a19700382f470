/** What a series of steps says about an overload: the worst second of it, and how long it lasted afterwards. */
import type { LoadResult } from '../generator/load-run.ts';
import { type SeriesStep, STEP_MS } from '../generator/series.ts';

/** "Never below" is judged second by second. */
const STEPS_PER_SECOND = 1_000 / STEP_MS;

/** Accepted per second in the worst whole second; the first and the last are not whole. */
export function worstSecond({ series, seconds }: LoadResult): number {
  let worst = Number.POSITIVE_INFINITY;
  const last = Math.floor(seconds - 1) * STEPS_PER_SECOND;
  for (let at = STEPS_PER_SECOND; at < last; at += STEPS_PER_SECOND) {
    const accepted = series.slice(at, at + STEPS_PER_SECOND).reduce((sum, step) => sum + step.accepted, 0);
    worst = Math.min(worst, accepted);
  }
  return Number.isFinite(worst) ? worst : 0;
}

/** From the end of the flood to the first step from which all are within the limit. */
export function recoveryS(series: readonly SeriesStep[], limitMs: number): number {
  const late = series.findLastIndex(({ p99Ms, refused }) => p99Ms > limitMs || refused > 0);
  return ((late + 1) * STEP_MS) / 1000;
}
