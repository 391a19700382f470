/**
 * Redis loses everything while a million players are on the board. Timed is how long it takes until ranks come from a new
 * index, noticing the loss included. Meanwhile clients read boards and places, or submit scores, at a steady rate.
 */
import { createHistogram } from '../generator/histogram.ts';
import { getRequest } from '../generator/requests.ts';
import { type Line, valueLine } from '../measure/lines.ts';
import { quantiles } from '../measure/measure.ts';
import { openPopulation } from '../world/population.ts';
import { startGenerator, startWorld, type World } from '../world/world.ts';
import type { Generator } from './contenders.ts';
import { type Scenario, wants } from './scenario.ts';
import { SUBMIT_LINE, submitDuringRebuild } from './submit-during-rebuild.ts';

const PLAYERS = 1_000_000;
const QUICK_PLAYERS = 100_000;
/** Players with tokens: those who submit, each well below the limit of one player. */
const SUBMITTERS = 1_000;
/** Of them. */
const READERS = 100;
const READS_PER_S = 200;
const CONNECTIONS = 64;
/** Reads go on in steps of this length until the index is there. */
const STEP_S = 1;
/** An index that is not there by then is not going to be. */
const LIMIT_S = 20;

/** What is read meanwhile. Places are dear without an index: each is counted in Postgres. */
const READS = { boards: 'boards read meanwhile', places: 'boards and places read meanwhile' } as const;
type Reads = keyof typeof READS;

export const recovery: Scenario = async (setting) => {
  const { args, step } = setting;
  const players = args.quick ? QUICK_PLAYERS : PLAYERS;
  const world = await startWorld({ players: SUBMITTERS, step });
  const population = openPopulation(world);
  const generator = await startGenerator(world);
  const lines: Line[] = [];
  try {
    step(`recovery: ${players} players`);
    await population.fill(players);
    await population.rebuild();
    await prepareReads(world, generator);
    for (const kind of ['boards', 'places'] as const) {
      if (!wants(setting, READS[kind])) continue;
      const times: number[] = [];
      const reads = createReads(generator, { port: world.edgePort, kind });
      for (let round = 0; round < args.rounds; round += 1) {
        step(`recovery: Redis forgets everything, ${READS[kind]}`);
        times.push((await reads.during(population.rebuild(LIMIT_S * 1000))) ?? LIMIT_S);
      }
      lines.push(lineOf({ players, times, reads, kind }));
    }
    if (wants(setting, SUBMIT_LINE)) {
      lines.push(...(await submitDuringRebuild(setting, { world, generator, population }, players)));
    }
  } finally {
    await generator.stop();
    await population.close();
    await world.stop();
  }
  return lines;
};

/** The board, and the places of players who have scores. */
async function prepareReads(world: World, generator: Generator): Promise<void> {
  const board = getRequest('/api/v1/scoreboard/top');
  const places = world.players
    .slice(0, READERS)
    .flatMap(({ token }) => [board, getRequest('/api/v1/scoreboard/me', token)]);
  await generator.call('keep', { name: 'boards', requests: [board] });
  await generator.call('keep', { name: 'places', requests: places });
}

function createReads(generator: Generator, { port, kind }: { port: number; kind: Reads }) {
  const latency = createHistogram();
  const statuses: Record<number, number> = {};
  return {
    latency,
    statuses,
    /** Reads until the work is over, and gives back its result. */
    async during<Result>(work: Promise<Result>): Promise<Result> {
      let isOver = false;
      const end = () => {
        isOver = true;
      };
      work.then(end, end);
      const options = { port, connections: CONNECTIONS, ratePerS: READS_PER_S, seconds: STEP_S, warmupS: 0 };
      do {
        const result = await generator.call('run', { name: kind, options: { ...options, repeat: true } });
        latency.add(result.latency);
        for (const [status, count] of Object.entries(result.statuses)) {
          statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count;
        }
      } while (!isOver);
      return work;
    },
  };
}

function lineOf(options: {
  players: number;
  times: readonly number[];
  reads: ReturnType<typeof createReads>;
  kind: Reads;
}): Line {
  const { players, times, reads, kind } = options;
  const sorted = [...times].sort((a, b) => a - b);
  const { p50Ms, p99Ms, p999Ms, maxMs } = quantiles(reads.latency.counts);
  const all = Object.values(reads.statuses).reduce((sum, count) => sum + count, 0);
  const late = times.filter((seconds) => seconds >= LIMIT_S).length;
  return {
    ...valueLine({
      ...{
        scenario: 'recovery',
        line: `rank index of ${players} players rebuilt, ${READS[kind]}`,
        unit: 's',
      },
      ours: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0,
      errors: all - (reads.statuses[200] ?? 0) + late,
      details: { times, notRebuiltWithinLimit: late, limitS: LIMIT_S, reads: reads.statuses },
    }),
    ...{ p50Ms, p99Ms, p999Ms, maxMs },
  };
}
