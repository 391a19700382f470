/** From runs to slices: CPU time around a run, and the median of several runs taken in turn. */
import type { BatchLoadResult } from '../generator/batch-load.ts';
import { createHistogram } from '../generator/histogram.ts';
import type { LoadResult } from '../generator/load-run.ts';
import { cpuSeconds, type ProcessGroup, rssMib } from '../processes/usage.ts';
import type { Slice } from './lines.ts';

export interface Costs {
  readonly cpuMsPerThousand: Record<string, number>;
  readonly rssMib: Record<string, number>;
}

/** Runs something and says what each process spent on it. */
export async function withCosts<Result>(
  groups: readonly ProcessGroup[],
  run: () => Promise<Result>,
  operationsOf: (result: Result) => number,
): Promise<{ result: Result; costs: Costs }> {
  const before = cpuSeconds(groups);
  const result = await run();
  const after = cpuSeconds(groups);
  const operations = Math.max(1, operationsOf(result));
  const cpuMsPerThousand = Object.fromEntries(
    groups.map(({ name }) => [
      name,
      (((after[name] ?? 0) - (before[name] ?? 0)) * 1_000 * 1_000) / operations,
    ]),
  );
  return { result, costs: { cpuMsPerThousand, rssMib: rssMib(groups) } };
}

export async function measureLoad(
  groups: readonly ProcessGroup[],
  run: () => Promise<LoadResult>,
): Promise<Slice> {
  const { result, costs } = await withCosts(groups, run, ({ operations }) => operations);
  return loadSlice(result, costs);
}

export function loadSlice(result: LoadResult, costs: Costs): Slice {
  const { statuses, accepted, seconds, unsent } = result;
  const answers = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return {
    perSecond: accepted / seconds,
    ...quantiles(result.latency),
    errors: answers - accepted + unsent,
    statuses,
    ...costs,
    generatorCpuShare: result.cpuShare,
    generatorUtilisation: result.utilisation,
  };
}

export async function measureBatches(
  groups: readonly ProcessGroup[],
  run: () => Promise<BatchLoadResult>,
): Promise<Slice> {
  const { result, costs } = await withCosts(groups, run, ({ operations }) => operations);
  return {
    perSecond: result.accepted / result.seconds,
    ...quantiles(result.latency),
    errors: result.errors,
    ...costs,
    generatorCpuShare: result.cpuShare,
    generatorUtilisation: result.utilisation,
  };
}

export function quantiles(counts: ArrayLike<number>) {
  const histogram = createHistogram(counts);
  return {
    p50Ms: histogram.quantile(0.5),
    p99Ms: histogram.quantile(0.99),
    p999Ms: histogram.quantile(0.999),
    maxMs: histogram.max,
  };
}

/**
 * Runs each contender in turn, as often as there are rounds, so that whatever else the machine does meets all alike, and
 * keeps the run in the middle of each.
 */
export async function alternate<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<Slice>>>,
): Promise<Record<Name, Slice>> {
  const names = Object.keys(contenders) as Name[];
  const slices = new Map<Name, Slice[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) slices.get(name)?.push(await contenders[name]());
  }
  return Object.fromEntries(names.map((name) => [name, median(slices.get(name) ?? [])])) as Record<
    Name,
    Slice
  >;
}

/** Of an even number, the lower of the two in the middle: never a number that was not measured. */
export function median(slices: readonly Slice[]): Slice {
  const sorted = [...slices].sort((a, b) => a.perSecond - b.perSecond);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}
