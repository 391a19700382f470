/**
 * Signed submissions at a steady rate, first with the rank index at rest, then while it is rebuilt after Redis lost
 * everything. Shows how much of a submission's latency a rebuild costs. Times count from the intended start of a request.
 */
import { createHistogram } from '../generator/histogram.ts';
import type { LoadResult } from '../generator/load-run.ts';
import { type Line, type Slice, valueLine } from '../measure/lines.ts';
import { loadSlice, withCosts } from '../measure/measure.ts';
import type { Population } from '../world/population.ts';
import type { World } from '../world/world.ts';
import type { Generator } from './contenders.ts';
import { freshPrefix, type Setting } from './scenario.ts';

const RATE_PER_S = 500;
/** Enough for half a second of requests to wait for their answers; a request that finds none free waits, and its time counts. */
const CONNECTIONS = 250;
/** The load runs in steps, so that it can end with the rebuild: each step has actions and a result of its own. */
const STEP_S = 1;
const WARMUP_STEPS = 10;
const REST_STEPS = 10;
const QUICK_STEPS = 2;
/** A rebuild that takes longer is cut off, and counts as an error. */
const LIMIT_S = 30;

export const SUBMIT_LINE = 'submit';

export async function submitDuringRebuild(
  { args, step }: Setting,
  { world, generator, population }: { world: World; generator: Generator; population: Population },
  players: number,
): Promise<Line[]> {
  const load = createLoad(world, generator);
  step(`recovery: warming up with submissions at ${RATE_PER_S}/s`);
  await load.steps(args.quick ? QUICK_STEPS : WARMUP_STEPS);
  const rest: Slice[] = [];
  const rebuilds: { slice: Slice; seconds: number | undefined }[] = [];
  for (let round = 0; round < args.rounds; round += 1) {
    step(`recovery: submissions at ${RATE_PER_S}/s, index at rest`);
    rest.push(await load.steps(args.quick ? QUICK_STEPS : REST_STEPS));
    step(`recovery: submissions at ${RATE_PER_S}/s, index being rebuilt`);
    rebuilds.push(await load.during(() => population.rebuild(LIMIT_S * 1000)));
  }
  return [
    lineOf(`${SUBMIT_LINE} at ${RATE_PER_S}/s, index of ${players} players at rest, p99`, rest),
    lineOf(
      `${SUBMIT_LINE} at ${RATE_PER_S}/s, index of ${players} players being rebuilt, p99`,
      rebuilds.map(({ slice }) => slice),
      rebuilds.map(({ seconds }) => seconds ?? null),
    ),
  ];
}

function createLoad(world: World, generator: Generator) {
  const groups = world.groups({ name: 'generator', pid: generator.pid });
  const signer = { kind: 'auth', address: world.authAddress, serviceKey: world.serviceKey('cli') } as const;
  const nameOf = (at: number) => `${SUBMIT_LINE} ${at}`;

  async function prepare(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      const options = {
        form: 'rest',
        signer,
        prefix: freshPrefix('r'),
        count: RATE_PER_S * STEP_S + 1,
      } as const;
      await generator.call('prepare', { name: nameOf(at), options });
    }
  }

  async function run(count: number, isOver: () => boolean): Promise<Slice> {
    const { result, costs } = await withCosts(
      groups,
      async () => {
        const results: LoadResult[] = [];
        for (let at = 0; at < count && !isOver(); at += 1) {
          const options = {
            ...{ port: world.edgePort, connections: CONNECTIONS, ratePerS: RATE_PER_S },
            ...{ seconds: STEP_S, warmupS: 0 },
          };
          results.push(await generator.call('run', { name: nameOf(at), options }));
        }
        return inOne(results);
      },
      ({ operations }) => operations,
    );
    return loadSlice(result, costs);
  }

  return {
    async steps(count: number): Promise<Slice> {
      await prepare(count);
      return run(count, () => false);
    },
    /** Loads the product until the rebuild is over. */
    async during(rebuild: () => Promise<number | undefined>) {
      await prepare(LIMIT_S / STEP_S);
      let isOver = false;
      const end = () => {
        isOver = true;
      };
      const rebuilding = rebuild();
      rebuilding.then(end, end);
      const slice = await run(LIMIT_S / STEP_S, () => isOver);
      return { slice, seconds: await rebuilding };
    },
  };
}

/** The results of runs that followed each other, as one. */
function inOne(results: readonly LoadResult[]): LoadResult {
  const [latency, refusals] = [createHistogram(), createHistogram()];
  const statuses: Record<number, number> = {};
  const sum = { operations: 0, seconds: 0, accepted: 0, unsent: 0, cpuShare: 0, utilisation: 0 };
  for (const result of results) {
    latency.add(result.latency);
    refusals.add(result.refusals);
    for (const [status, count] of Object.entries(result.statuses)) {
      statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count;
    }
    for (const name of ['operations', 'seconds', 'accepted', 'unsent'] as const) sum[name] += result[name];
    for (const name of ['cpuShare', 'utilisation'] as const) sum[name] = Math.max(sum[name], result[name]);
  }
  const [counts, refused] = [latency.counts, refusals.counts];
  return {
    ...sum,
    statuses,
    latency: counts,
    refusals: refused,
    series: [],
    startsMs: [],
    acceptedIndexes: [],
  };
}

/** The round in the middle by its p99. */
function lineOf(line: string, slices: readonly Slice[], rebuildS: readonly (number | null)[] = []): Line {
  const sorted = [...slices].sort((a, b) => a.p99Ms - b.p99Ms);
  const slice = sorted[Math.floor((sorted.length - 1) / 2)];
  if (slice === undefined) throw new Error('nothing was measured');
  const late = rebuildS.filter((seconds) => seconds === null).length;
  return valueLine({
    ...{ scenario: 'recovery', line, unit: 'ms', ours: slice.p99Ms, slice },
    errors: slice.errors + late,
    details: { ratePerS: RATE_PER_S, rounds: slices.map(({ p50Ms, p99Ms }) => ({ p50Ms, p99Ms })), rebuildS },
  });
}
