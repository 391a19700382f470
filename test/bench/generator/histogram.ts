/**
 * Times in logarithmic buckets: every value from a microsecond to half an hour is kept with an error below one percent, in
 * a fixed 13 KB, so that recording costs nothing that a load generator would notice. Histograms of several processes
 * add up.
 */

/** Buckets per doubling: 128 keep the error of a value below 1/128. */
const STEPS_PER_DOUBLING = 128;
const EXACT_BELOW = 2 * STEPS_PER_DOUBLING;
/** 2^31 µs is 35 minutes, longer than any run. */
const LARGEST_US = 2 ** 31 - 1;
const BUCKETS = bucketOf(LARGEST_US) + 1;

export interface Histogram {
  /** Negative times, which clocks of two processes can make of a very short one, count as zero. */
  record(milliseconds: number): void;
  add(counts: ArrayLike<number>): void;
  readonly counts: Uint32Array;
  readonly count: number;
  /** The time in milliseconds that a fraction of all values stayed within; 0 when there are none. */
  quantile(fraction: number): number;
  /** Milliseconds; 0 when there are none. */
  readonly max: number;
}

function bucketOf(us: number): number {
  if (us < EXACT_BELOW) return us;
  const shift = 31 - Math.clz32(us) - Math.log2(STEPS_PER_DOUBLING);
  return shift * STEPS_PER_DOUBLING + (us >>> shift);
}

/** The middle of a bucket, in microseconds. */
function middleOf(bucket: number): number {
  if (bucket < EXACT_BELOW) return bucket;
  const shift = Math.floor(bucket / STEPS_PER_DOUBLING) - 1;
  return (bucket - shift * STEPS_PER_DOUBLING + 0.5) * 2 ** shift;
}

export function createHistogram(counts: ArrayLike<number> = []): Histogram {
  const buckets = new Uint32Array(BUCKETS);
  let count = 0;

  function add(more: ArrayLike<number>): void {
    for (let bucket = 0; bucket < Math.min(more.length, BUCKETS); bucket += 1) {
      const extra = more[bucket] ?? 0;
      buckets[bucket] = (buckets[bucket] ?? 0) + extra;
      count += extra;
    }
  }

  function quantile(fraction: number): number {
    if (count === 0) return 0;
    const wanted = Math.max(1, Math.ceil(fraction * count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += buckets[bucket] ?? 0;
      if (seen >= wanted) return middleOf(bucket) / 1000;
    }
    return LARGEST_US / 1000;
  }

  add(counts);
  return {
    record(milliseconds) {
      const bucket = bucketOf(Math.min(LARGEST_US, Math.max(0, Math.round(milliseconds * 1000))));
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      count += 1;
    },
    add,
    counts: buckets,
    get count() {
      return count;
    },
    quantile,
    get max() {
      return quantile(1);
    },
  };
}
