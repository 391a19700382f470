/**
 * Ten times what the product can take, for twenty seconds, then a normal load at once: how much is still accepted, how
 * quickly and in what words the rest is refused, how soon times are normal again, and whether anything that was
 * acknowledged is missing in Postgres.
 */
import { createHistogram } from '../generator/histogram.ts';
import type { LoadResult } from '../generator/load-run.ts';
import { actionIdOf } from '../generator/prepare.ts';
import { type Line, type Slice, valueLine } from '../measure/lines.ts';
import { loadSlice, measureLoad, withCosts } from '../measure/measure.ts';
import { startGenerator } from '../world/world.ts';
import { countAccepted } from './accepted.ts';
import { type Contenders, type Generator, startContenders } from './contenders.ts';
import { recoveryS, worstSecond } from './overload-series.ts';
import { freshPrefix, type Scenario, type Setting, secondsOf } from './scenario.ts';

const OVERLOAD_S = 20;
const QUICK_OVERLOAD_S = 4;
const SUSTAINABLE_S = 4;
const NORMAL_S = 6;
const WARMUP_S = 1;
const TIMES = 10;
/** What is called normal: half of what the product can take. */
const NORMAL_SHARE = 0.5;
/**
 * Beyond what the product keeps waiting (about 2,000), so that it must refuse. Not far beyond: a request that is refused
 * has stood behind those of all other connections, whatever the product does.
 */
const CONNECTIONS = 3_000;
const NORMAL_CONNECTIONS = 512;
const PREPARED_PER_S = 32_000;
/** Times are normal again when 99 % are within twice those before. */
const NORMAL_FACTOR = 2;

export const overload: Scenario = async (setting) => {
  const contenders = await startContenders(setting);
  const normal = await startGenerator(contenders.world);
  try {
    return await run(setting, contenders, normal);
  } finally {
    await normal.stop();
    await contenders.stop();
  }
};

async function run({ args, step }: Setting, contenders: Contenders, normal: Generator): Promise<Line[]> {
  const seconds = secondsOf({ args }, OVERLOAD_S, QUICK_OVERLOAD_S);
  const { world, generator, groups } = contenders;
  step('overload: what is sustainable');
  const closed = { seconds: SUSTAINABLE_S, warmupS: WARMUP_S, connections: NORMAL_CONNECTIONS };
  const sustainable = await contenders.submitOurs(
    'rest',
    PREPARED_PER_S * (SUSTAINABLE_S + WARMUP_S),
    closed,
  );
  const normalRate = Math.round(sustainable.perSecond * NORMAL_SHARE);
  const normally = { seconds: NORMAL_S, warmupS: 0, connections: NORMAL_CONNECTIONS, ratePerS: normalRate };
  const port = world.edgePort;
  const runNormal = () => normal.call('run', { name: 'normal', options: { port, ...normally } });
  step(`overload: normal times at ${normalRate}/s`);
  await prepareNormal(contenders, normal, normalRate * NORMAL_S + 1);
  const before = await measureLoad(groups, runNormal);

  step('overload: preparing');
  await prepareNormal(contenders, normal, normalRate * NORMAL_S + 1);
  const ratePerS = Math.round(sustainable.perSecond * TIMES);
  const prefix = await contenders.prepare({
    name: 'flood',
    count: Math.round(sustainable.perSecond * seconds * 1.2),
  });
  step(`overload: ${ratePerS}/s for ${seconds} s`);
  const flood = { seconds, warmupS: 0, connections: CONNECTIONS, ratePerS, maxWaiting: 0 };
  const { result, costs } = await withCosts(
    groups,
    async () => {
      const flooding = generator.call('run', {
        name: 'flood',
        options: { port, ...flood, keepAccepted: true, recycle: true },
      });
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      return Promise.all([flooding, runNormal()]);
    },
    ([{ operations }]) => operations,
  );
  const [flooded, after] = result;
  step('overload: looking for what was acknowledged');
  const ids = flooded.acceptedIndexes.map((index) => actionIdOf(prefix, index));
  const lost = ids.length - (await countAccepted(world.databaseUrl, prefix, ids));
  return lines({
    sustainable,
    before,
    flooded,
    floodedSlice: loadSlice(flooded, costs),
    after,
    ratePerS,
    lost,
  });
}

async function prepareNormal({ world }: Contenders, normal: Generator, count: number): Promise<void> {
  const signer = { kind: 'auth', address: world.authAddress, serviceKey: world.serviceKey('cli') } as const;
  const options = { form: 'rest', signer, prefix: freshPrefix('n'), count } as const;
  await normal.call('prepare', { name: 'normal', options });
}

interface Findings {
  sustainable: Slice;
  /** The normal load, before and right after. */
  before: Slice;
  after: LoadResult;
  flooded: LoadResult;
  floodedSlice: Slice;
  ratePerS: number;
  lost: number;
}

function lines({ sustainable, before, after, flooded, floodedSlice, ratePerS, lost }: Findings): Line[] {
  const refusals = createHistogram(flooded.refusals);
  const { 200: _accepted, 429: shed = 0, ...others } = flooded.statuses;
  const wrong = Object.values(others).reduce((sum, count) => sum + count, 0);
  const offered = Object.values(flooded.statuses).reduce((sum, count) => sum + count, 0);
  const details = {
    sustainablePerS: sustainable.perSecond,
    intendedPerS: ratePerS,
    reachedPerS: offered / flooded.seconds,
    statuses: flooded.statuses,
    lost,
  };
  const share = (perSecond: number) => (perSecond / sustainable.perSecond) * 100;
  const percent = { scenario: 'overload', unit: '% of sustainable', lowerIsBetter: false } as const;
  const slice = { ...floodedSlice, errors: wrong };
  return [
    valueLine({
      ...percent,
      line: 'accepted while overloaded',
      ours: share(floodedSlice.perSecond),
      slice,
      details,
    }),
    valueLine({
      ...percent,
      line: 'accepted in the worst second',
      ours: share(worstSecond(flooded)),
      details: { ...details, series: flooded.series },
    }),
    valueLine({
      ...{ scenario: 'overload', line: 'time to a refusal, p99', unit: 'ms', ours: refusals.quantile(0.99) },
      errors: wrong,
      details: { shed, p50Ms: refusals.quantile(0.5), maxMs: refusals.max, statuses: flooded.statuses },
    }),
    valueLine({
      ...{ scenario: 'overload', line: 'until times are normal again', unit: 's' },
      ours: recoveryS(after.series, before.p99Ms * NORMAL_FACTOR),
      details: { normalP99Ms: before.p99Ms, series: after.series, statuses: after.statuses },
    }),
    valueLine({
      ...{ scenario: 'overload', line: 'acknowledged and not in Postgres', unit: 'scores', ours: lost },
      errors: lost,
      details: { acknowledged: flooded.acceptedIndexes.length },
    }),
  ];
}
