/**
 * A board that changes as often as it can be delivered, on a thousand and ten thousand sockets. A new board is published as
 * soon as the last socket has all but the last few, so no server can run ahead of its receivers. Then: what a socket
 * weighs, idle and after frames went through it.
 */
import { type Line, rateLine, type Slice, valueLine } from '../measure/lines.ts';
import { alternate } from '../measure/measure.ts';
import { BROADCAST_KINDS } from '../peers/broadcast-kinds.ts';
import { rssMib } from '../processes/usage.ts';
import { startWorld } from '../world/world.ts';
import { createPump } from './pump.ts';
import { type Scenario, type Setting, secondsOf } from './scenario.ts';
import { type Stage, startOtherStage, startOurStage } from './stages.ts';

const SECONDS = 4;
const WARMUP_S = 1;
/** Until the heap of a server has grown to what it needs for its work. */
const FIRST_PUMP_S = 5;
const FIRST_SOCKETS = 100;
const SOCKETS = [1_000, 10_000];
const QUICK_SOCKETS = [1_000];
/** The most that one node takes by default. */
const MOST_SOCKETS = 19_000;
const [CEILING] = BROADCAST_KINDS;
const KIB_PER_MIB = 1024;

export const fanout: Scenario = async (setting) => {
  const { step, args } = setting;
  // The tick is as short as it goes, so that the sockets alone decide how often a board goes out.
  const world = await startWorld({ players: 0, settings: { TICK_MS: '1' }, step });
  const steps = args.quick ? QUICK_SOCKETS : SOCKETS;
  try {
    const others = BROADCAST_KINDS.map((kind) => () => startOtherStage(kind, 'text'));
    const text = [() => startOurStage(world, 'text'), ...others];
    const lines = await onStages(text, (stages) => run(setting, stages, steps));
    // The sockets that read text are gone by now: each board would go to them as well.
    const binary = [() => startOurStage(world, 'binary'), () => startOtherStage(CEILING, 'binary')];
    return [...lines, ...(await onStages(binary, (stages) => runBinary(setting, stages, steps)))];
  } finally {
    await world.stop();
  }
};

async function onStages(
  starts: readonly (() => Promise<Stage>)[],
  runAll: (stages: readonly Stage[]) => Promise<Line[]>,
): Promise<Line[]> {
  const stages: Stage[] = [];
  try {
    for (const start of starts) stages.push(await start());
    return await runAll(stages);
  } finally {
    await Promise.all(stages.map((stage) => stage.stop()));
  }
}

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
    lines.push(deliveries(`JSON frame, ${sockets} sockets`, slices));
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

/** The same boards as protobuf messages. */
async function runBinary(
  setting: Setting,
  stages: readonly Stage[],
  steps: readonly number[],
): Promise<Line[]> {
  const seconds = secondsOf(setting, SECONDS);
  const pumps = stages.map((stage) => ({ stage, pump: createPump(stage) }));
  const lines: Line[] = [];
  for (const sockets of steps) {
    for (const { stage } of pumps) {
      setting.step(`fanout: ${sockets} binary sockets, ${stage.name}`);
      await stage.grow(sockets);
    }
    const runs = Object.fromEntries(pumps.map(({ stage, pump }) => [stage.name, () => pump(seconds)]));
    const slices = await alternate(setting.args.rounds, runs);
    lines.push(deliveries(`binary frame, ${sockets} sockets`, slices));
  }
  return lines;
}

function serverMib({ server }: Stage): number {
  return rssMib([server])[server.name] ?? 0;
}

function deliveries(line: string, slices: Record<string, Slice>): Line {
  const { ours, ...others } = slices;
  if (ours === undefined) throw new Error('ours was not measured');
  const { [CEILING]: ceiling, ...peers } = Object.fromEntries(
    Object.entries(others).map(([name, slice]) => [name, { name, slice }]),
  );
  return rateLine({
    ...{ scenario: 'fanout', line, unit: 'deliveries/s' },
    ours,
    peers: Object.values(peers),
    ceiling,
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
