/** A slice for tests, with what they care about. */
import type { Slice } from '../../../bench/measure/lines.ts';

export function sliceOf(perSecond: number, more: Partial<Slice> = {}): Slice {
  return {
    perSecond,
    ...{ p50Ms: 1, p99Ms: 2, p999Ms: 3, maxMs: 4, errors: 0 },
    cpuMsPerThousand: {},
    rssMib: {},
    generatorCpuShare: 0.3,
    generatorUtilisation: 0.4,
    ...more,
  };
}
