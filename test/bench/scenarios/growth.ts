/**
 * Boards of ten thousand, a million and five million players: submissions over REST from ten thousand of them, a trusted
 * caller's batches that touch all of them, places read, and what a player weighs in Redis and in Postgres.
 */
import { getRequest } from '../generator/requests.ts';
import { type Line, rateLine, type Slice, valueLine } from '../measure/lines.ts';
import { alternate, measureBatches, measureLoad } from '../measure/measure.ts';
import { openPopulation, type Population, REBUILD_LIMIT_MS } from '../world/population.ts';
import { startWorld } from '../world/world.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { freshPrefix, type Scenario, type Setting, secondsOf } from './scenario.ts';

const SECONDS = 3;
const WARMUP_S = 1;
const SIZES = [10_000, 1_000_000, 5_000_000];
const QUICK_SIZES = [10_000, 100_000];
const CONNECTIONS = 512;
/** Enough for batches of places behind the edge. */
const PLACE_CONNECTIONS = 64;
const PREPARED_PER_S = 32_000;
const BATCH = 100;
const BATCHES_IN_FLIGHT = 8;

export const growth: Scenario = async (setting) => {
  const { args, step } = setting;
  const world = await startWorld({ step });
  const population = openPopulation(world);
  // Before the warm-up, which gives every player a score.
  const empty = await population.bytes();
  const contenders = await startContenders({ ...setting, world: async () => world });
  const lines: Line[] = [];
  try {
    let first: Slices | undefined;
    for (const players of args.quick ? QUICK_SIZES : SIZES) {
      step(`growth: ${players} players`);
      await population.fill(players);
      const built = await population.rebuild();
      lines.push(buildLine(players, built));
      // Without an index every place is counted in Postgres: that is another scenario's subject.
      if (built === undefined) continue;
      lines.push(...(await weigh(population, players, empty)));
      step(`growth: load with ${players} players`);
      const slices = await measure(setting, contenders, players);
      first ??= slices;
      lines.push(...rates(players, slices, first));
    }
  } finally {
    await contenders.stop();
    await population.close();
    await world.stop();
  }
  return lines;
};

type Slices = Record<'submit' | 'batches' | 'rank', Slice>;

async function measure(setting: Setting, contenders: Contenders, players: number): Promise<Slices> {
  const { world, generator, groups } = contenders;
  const seconds = secondsOf(setting, SECONDS);
  const connections = setting.args.connections?.at(-1) ?? CONNECTIONS;
  const load = { seconds, warmupS: WARMUP_S, connections };
  const requests = world.players.map(({ token }) => getRequest('/api/v1/scoreboard/me', token));
  await generator.call('keep', { name: 'places', requests });
  const batches = {
    target: { kind: 'grpc', address: world.scoreAddress, serviceKey: world.serviceKey('cli') },
    ...{ batch: BATCH, inFlight: BATCHES_IN_FLIGHT, seconds, warmupS: WARMUP_S },
    fillers: players - world.players.length,
  } as const;
  const places = { ...load, connections: PLACE_CONNECTIONS, port: world.edgePort, repeat: true };
  return alternate(setting.args.rounds, {
    submit: () => contenders.submitOurs('rest', PREPARED_PER_S * (seconds + WARMUP_S), load),
    batches: () =>
      measureBatches(groups, () => generator.call('batches', { ...batches, prefix: freshPrefix('g') })),
    rank: () => measureLoad(groups, () => generator.call('run', { name: 'places', options: places })),
  });
}

/** A board whose index is not there within the limit is a failure, whatever the figure. */
function buildLine(players: number, seconds: number | undefined): Line {
  return valueLine({
    ...{ scenario: 'growth', line: `rank index of ${players} players, built`, unit: 's' },
    ours: seconds ?? REBUILD_LIMIT_MS / 1000,
    errors: seconds === undefined ? 1 : 0,
  });
}

function rates(players: number, slices: Slices, first: Slices): Line[] {
  const line = (kind: keyof Slices, words: string, unit: string) =>
    rateLine({
      ...{ scenario: 'growth', line: `${words}, ${players} players`, unit, ours: slices[kind] },
      details: { ofSmallest: slices[kind].perSecond / first[kind].perSecond },
    });
  return [
    line('submit', 'submit, REST', 'scores/s'),
    line('batches', 'submit, batches over all players', 'scores/s'),
    line('rank', 'own place, REST', 'reads/s'),
  ];
}

async function weigh(
  population: Population,
  players: number,
  empty: { redis: number; postgres: number },
): Promise<Line[]> {
  const { redis, postgres } = await population.bytes();
  const line = (server: string, bytes: number) =>
    valueLine({
      ...{ scenario: 'growth', line: `${server} per player, ${players} players`, unit: 'bytes' },
      ours: Math.round(bytes / players),
    });
  return [line('Redis', redis - empty.redis), line('Postgres', postgres - empty.postgres)];
}
