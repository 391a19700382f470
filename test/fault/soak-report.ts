/** What a long run comes to, as lines for the terminal. */

import { nameOf } from './driver/faults/faults.ts';
import type { RunResult } from './driver/run.ts';
import { tally } from './driver/timeline.ts';

const BYTES_PER_MB = 1024 * 1024;

export function reportRuns(results: readonly RunResult[]): string[] {
  const history = results.flatMap(({ recorder }) => recorder.history);
  const survived = results.flatMap((result) => result.survived);
  const faults = new Map<string, number>();
  const worst = new Map<string, number>();
  for (const { fault, wellAfterMs } of survived) {
    const kind = `${fault.kind}${fault.kind === 'cut' ? ` ${nameOf(fault).kind}` : ''}`;
    faults.set(kind, (faults.get(kind) ?? 0) + 1);
    const ms = wellAfterMs ?? Number.POSITIVE_INFINITY;
    worst.set(fault.component, Math.max(worst.get(fault.component) ?? 0, ms));
  }
  const violations = results.flatMap(({ judgement, seed, folder }) =>
    judgement.violations.map(({ invariant, what }) => `  ${invariant} ${what} (seed ${seed}, ${folder})`),
  );
  const [first] = results;
  return [
    'operations:',
    ...tally(history),
    `faults: ${survived.length}`,
    ...[...faults].sort().map(([kind, count]) => `${String(count).padStart(8)} ${kind}`),
    `frames: ${results.reduce((sum, { recorder }) => sum + recorder.frames.length, 0)}`,
    `violations: ${violations.length}`,
    ...violations,
    'worst time until well again:',
    ...[...worst].sort().map(([component, ms]) => `${ms.toFixed(0).padStart(8)} ms ${component}`),
    'memory and descriptors, first and last quarter:',
    ...usage(results),
    'not recorded:',
    ...Object.entries(first?.judgement.notRecorded ?? {}).map(([name, why]) => `  ${name}: ${why}`),
  ];
}

/** Medians, so that a process that was just started does not count. */
function usage(results: readonly RunResult[]): string[] {
  const samples = results.flatMap(({ recorder }) =>
    recorder.history.flatMap((event) => (event.f === 'sample' ? [event.value] : [])),
  );
  return [...new Set(samples.map(({ component }) => component))].map((component) => {
    const own = samples.filter((sample) => sample.component === component);
    const quarter = Math.max(1, Math.floor(own.length / 4));
    const [early, late] = [own.slice(0, quarter), own.slice(-quarter)];
    const rss = (part: typeof own) =>
      (median(part.map(({ rssBytes }) => rssBytes)) / BYTES_PER_MB).toFixed(0);
    const descriptors = (part: typeof own) => median(part.map((sample) => sample.descriptors));
    return `  ${component.padEnd(8)}${rss(early)} → ${rss(late)} MiB, ${descriptors(early)} → ${descriptors(late)} descriptors`;
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
