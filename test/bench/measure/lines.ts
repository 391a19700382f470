/** What the bench finds out: one line for each thing that is measured, in the words of its JSON file. */

/** One contender's result on one line. */
export interface Slice {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Answers that were not the wished one, broken connections and requests that were never sent. */
  readonly errors: number;
  /** Answers by HTTP status; 0 stands for connections that broke or answers that never came. */
  readonly statuses?: Readonly<Record<number, number>>;
  /** CPU milliseconds per thousand operations, by process. */
  readonly cpuMsPerThousand: Readonly<Record<string, number>>;
  readonly rssMib: Readonly<Record<string, number>>;
  /** The generator's share of one core, and of its own time, while it measured. */
  readonly generatorCpuShare: number;
  readonly generatorUtilisation: number;
}

export interface Contender {
  readonly name: string;
  readonly value: number;
  readonly slice?: Slice | undefined;
}

export interface Line {
  readonly scenario: string;
  readonly line: string;
  readonly unit: string;
  /** Whether less is better: milliseconds, bytes. */
  readonly lowerIsBetter: boolean;
  readonly ours: number;
  /** The strongest peer. */
  readonly peer: number | null;
  readonly peerName: string | null;
  readonly ceiling: number | null;
  readonly ceilingName: string | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
  readonly errors: number;
  /** True when the generator had no time left: ours is then a lower bound. */
  readonly generatorBound: boolean;
  /** All that was found out besides. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly slices: Readonly<Record<string, Slice>>;
}

/** Above this share of its time a generator is what is measured. */
const BUSY_UTILISATION = 0.95;
const BUSY_CPU_SHARE = 0.9;

export function isGeneratorBound({ generatorCpuShare, generatorUtilisation }: Slice): boolean {
  return generatorUtilisation > BUSY_UTILISATION || generatorCpuShare > BUSY_CPU_SHARE;
}

/** A line whose value is a rate. */
export function rateLine(options: {
  scenario: string;
  line: string;
  unit: string;
  ours: Slice;
  peers?: readonly { name: string; slice: Slice }[];
  ceiling?: { name: string; slice: Slice } | undefined;
  details?: Record<string, unknown>;
}): Line {
  const { scenario, line, unit, ours, peers = [], ceiling, details = {} } = options;
  const best = [...peers].sort((a, b) => b.slice.perSecond - a.slice.perSecond)[0];
  const named = [...peers, ...(ceiling === undefined ? [] : [ceiling])];
  return {
    ...{ scenario, line, unit, lowerIsBetter: false, ours: ours.perSecond },
    peer: best?.slice.perSecond ?? null,
    peerName: best?.name ?? null,
    ceiling: ceiling?.slice.perSecond ?? null,
    ceilingName: ceiling?.name ?? null,
    ...{ p50Ms: ours.p50Ms, p99Ms: ours.p99Ms, p999Ms: ours.p999Ms, maxMs: ours.maxMs },
    errors: ours.errors,
    generatorBound: isGeneratorBound(ours),
    details,
    slices: { ours, ...Object.fromEntries(named.map(({ name, slice }) => [name, slice])) },
  };
}

/** A line whose value is a time, a size or a share. */
export function valueLine(options: {
  scenario: string;
  line: string;
  unit: string;
  ours: number;
  lowerIsBetter?: boolean;
  peer?: Contender | undefined;
  ceiling?: Contender | undefined;
  slice?: Slice | undefined;
  errors?: number;
  details?: Record<string, unknown>;
}): Line {
  const { scenario, line, unit, ours, lowerIsBetter = true, peer, ceiling, slice, details = {} } = options;
  return {
    ...{ scenario, line, unit, lowerIsBetter, ours },
    ...{ peer: peer?.value ?? null, peerName: peer?.name ?? null },
    ...{ ceiling: ceiling?.value ?? null, ceilingName: ceiling?.name ?? null },
    p50Ms: slice?.p50Ms ?? null,
    p99Ms: slice?.p99Ms ?? null,
    p999Ms: slice?.p999Ms ?? null,
    maxMs: slice?.maxMs ?? null,
    errors: options.errors ?? slice?.errors ?? 0,
    generatorBound: slice !== undefined && isGeneratorBound(slice),
    details,
    slices: {
      ...(slice === undefined ? {} : { ours: slice }),
      ...(peer?.slice === undefined ? {} : { [peer.name]: peer.slice }),
    },
  };
}
