/**
 * A board that changes as often as it can be delivered, on a thousand and ten thousand sockets. A new board is published as
 * soon as the last socket has all but the last few, so no server can run ahead of its receivers. Then: what a socket
 * weighs, idle and after frames went through it.
 */
import { createHistogram } from '../generator/histogram.ts';
import { type Line, rateLine, type Slice, valueLine } from '../lines.ts';
import { alternate, quantiles, withCosts } from '../measure.ts';
import { BROADCAST_KINDS } from '../peers/broadcast-kinds.ts';
import { rssMib } from '../report/processes.ts';
import { startWorld } from '../world.ts';
import { type Scenario, type Setting, secondsOf } from './scenario.ts';
import { positionOf, type Stage, startOtherStage, startOurStage } from './stages.ts';

const SECONDS = 4;
const WARMUP_S = 1;
/** Until the heap of a server has grown to what it needs for its work. */
const FIRST_PUMP_S = 5;
const FIRST_SOCKETS = 100;
const SOCKETS = [1_000, 10_000];
const QUICK_SOCKETS = [1_000];
/** The most that one node takes by default. */
const MOST_SOCKETS = 19_000;
/** Boards under way at once: hides the bench's own turn-around, and is far from filling a socket's buffer. */
const WINDOW = 3;
const KIB_PER_MIB = 1024;

export const fanout: Scenario = async (setting) => {
  const { step, args } = setting;
  // The tick is as short as it goes, so that the sockets alone decide how often a board goes out.
  const world = await startWorld({ players: 0, settings: { TICK_MS: '1' }, step });
  const stages: Stage[] = [];
  try {
    stages.push(await startOurStage(world));
    for (const kind of BROADCAST_KINDS) stages.push(await startOtherStage(kind));
    return await run(setting, stages, args.quick ? QUICK_SOCKETS : SOCKETS);
  } finally {
    await Promise.all(stages.map((stage) => stage.stop()));
    await world.stop();
  }
};

async function run(setting: Setting, stages: readonly Stage[], steps: readonly number[]): Promise<Line[]> {
  const { args, step } = setting;
  const seconds = secondsOf(setting, SECONDS);
  const pumps = new Map(stages.map((stage) => [stage.name, createPump(stage)]));
  // A first few sockets and boards: what a server loads and compiles once is no weight of a socket.
  for (const stage of stages) {
    step(`fanout: warming up ${stage.name}`);
    await stage.grow(FIRST_SOCKETS);
    await pumps.get(stage.name)?.(args.quick ? WARMUP_S : FIRST_PUMP_S);
  }
  const scales = new Map(stages.map((stage) => [stage.name, createScale(stage)]));
  const weigh = (stage: Stage) => scales.get(stage.name)?.weigh() ?? Number.NaN;
  const lines: Line[] = [];
  for (const sockets of steps) {
    const idle = new Map<string, number>();
    for (const stage of stages) {
      step(`fanout: ${sockets} sockets, ${stage.name}`);
      scales.get(stage.name)?.tare();
      await stage.grow(sockets);
      idle.set(stage.name, weigh(stage));
    }
    const runs = Object.fromEntries(
      stages.map(({ name }) => [name, () => pumps.get(name)?.(seconds) ?? Promise.reject(new Error(name))]),
    );
    const slices = await alternate(args.rounds, runs);
    lines.push(deliveries(sockets, slices));
    lines.push(weightLine(`idle socket of ${sockets}`, idle));
    lines.push(
      weightLine(`active socket of ${sockets}`, new Map(stages.map((each) => [each.name, weigh(each)]))),
    );
  }
  const [ours] = stages;
  if (!args.quick && ours !== undefined) {
    step(`fanout: ${MOST_SOCKETS} sockets, ours`);
    scales.get(ours.name)?.tare();
    await ours.grow(MOST_SOCKETS);
    lines.push(weightLine(`idle socket of ${MOST_SOCKETS}`, new Map([['ours', weigh(ours)]])));
    const slice = await pumps.get('ours')?.(seconds);
    if (slice !== undefined) {
      const line = `JSON frame, ${MOST_SOCKETS} sockets`;
      lines.push(rateLine({ scenario: 'fanout', line, unit: 'deliveries/s', ours: slice }));
    }
    lines.push(weightLine(`active socket of ${MOST_SOCKETS}`, new Map([['ours', weigh(ours)]])));
  }
  return lines;
}

/**
 * What the sockets weigh that were added since the last look. The process has sent frames before, so that its heap has
 * the room that it takes to work, which would else be counted as theirs.
 */
function createScale(stage: Stage) {
  let [mib, sockets] = [serverMib(stage), stage.sockets];
  return {
    tare() {
      [mib, sockets] = [serverMib(stage), stage.sockets];
    },
    /** KiB a socket. */
    weigh: () => ((serverMib(stage) - mib) * KIB_PER_MIB) / (stage.sockets - sockets),
  };
}

function serverMib({ server }: Stage): number {
  return rssMib([server])[server.name] ?? 0;
}

function deliveries(sockets: number, slices: Record<string, Slice>): Line {
  const slice = (name: string) => {
    const found = slices[name];
    if (found === undefined) throw new Error(`${name} was not measured`);
    return { name, slice: found };
  };
  return rateLine({
    ...{ scenario: 'fanout', line: `JSON frame, ${sockets} sockets`, unit: 'deliveries/s' },
    ours: slice('ours').slice,
    peers: [slice('ws'), slice('Socket.IO')],
    ceiling: slice('uWebSockets.js'),
    details: { times: 'from publication until the last socket said it had the board', tickMs: 1 },
  });
}

function weightLine(line: string, weights: ReadonlyMap<string, number>): Line {
  const named = (name: string) => {
    const value = weights.get(name);
    return value === undefined ? undefined : { name, value };
  };
  return valueLine({
    ...{ scenario: 'fanout', line, unit: 'KiB', ours: weights.get('ours') ?? 0 },
    ...{ peer: named('ws'), ceiling: named('uWebSockets.js') },
    details: Object.fromEntries(weights),
  });
}

/** Publishes boards one after the other, forever counting on, for as long as asked. */
function createPump(stage: Stage): (seconds: number) => Promise<Slice> {
  let published = 0;
  return async (seconds) => {
    const sentMs = new Map<number, number>();
    const seen = new Map<number, number>();
    const latency = createHistogram();
    let isRunning = true;
    const advance = () => {
      const slowest = Math.min(...stage.crowds.map(({ pid }) => seen.get(pid) ?? 0));
      while (isRunning && published - slowest < WINDOW) {
        published += 1;
        sentMs.set(published, performance.now());
        stage.publish(published);
      }
    };
    for (const crowd of stage.crowds) {
      seen.set(crowd.pid, published);
      crowd.onEvent((event) => {
        const position = positionOf((event as { seq: number }).seq);
        if (!isRunning || position < 1) return;
        const sent = sentMs.get(position);
        if (sent !== undefined) latency.record(performance.now() - sent);
        seen.set(crowd.pid, position);
        advance();
      });
    }
    advance();
    await pause(WARMUP_S);
    const before = await look(stage, true);
    const { result: after, costs } = await withCosts(
      stage.groups,
      async () => {
        await pause(seconds);
        return look(stage, false);
      },
      (now) => now.frames - before.frames,
    );
    isRunning = false;
    return {
      perSecond: ((after.frames - before.frames) * 1000) / (after.atMs - before.atMs),
      ...quantiles(latency.counts),
      errors: stage.sockets - after.open,
      ...costs,
      generatorCpuShare: after.cpuShare,
      generatorUtilisation: after.utilisation,
    };
  };
}

/** What all crowds of a stage have seen; the busiest speaks for how busy they are. */
async function look({ crowds }: Stage, restartMeter: boolean) {
  const all = await Promise.all(crowds.map((crowd) => crowd.call('seen', { restartMeter })));
  return {
    atMs: performance.now(),
    frames: all.reduce((sum, { frames }) => sum + frames, 0),
    open: all.reduce((sum, { open }) => sum + open, 0),
    cpuShare: Math.max(...all.map(({ cpuShare }) => cpuShare)),
    utilisation: Math.max(...all.map(({ utilisation }) => utilisation)),
  };
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
