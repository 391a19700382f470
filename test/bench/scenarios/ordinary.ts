/**
 * What most deployments live with: tens to a thousand scores a second, and nothing at all. Latency counts from the moment at which
 * a request was due. CPU is the sum over all processes that the contender needs, the load generator left out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Line, type Slice, valueLine } from '../measure/lines.ts';
import { alternate } from '../measure/measure.ts';
import { CONVENTIONAL_NAME } from '../peers/peer.ts';
import { cpuSeconds } from '../processes/usage.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { type Scenario, type Setting, secondsOf, wants } from './scenario.ts';

const SECONDS = 8;
const WARMUP_S = 2;
const RATES_PER_S = [50, 200, 500, 1_000];
const CONNECTIONS = 500;
/** CPU time is counted in hundredths of a second: so long, an error of one is a thousandth. */
const IDLE_S = 10;
const QUICK_IDLE_S = 2;
/** Processes that the peer needs. The product's other processes run idle beside it. */
const PEER_NEEDS: ReadonlySet<string> = new Set(['postgres', 'redis', 'conventional']);

export const ordinary: Scenario = async (setting) => {
  const contenders = await startContenders(setting);
  try {
    const lines: Line[] = [];
    if (wants(setting, IDLE_LINE)) lines.push(await measureIdle(setting, contenders));
    for (const ratePerS of RATES_PER_S) {
      if (wants(setting, rateName(ratePerS)))
        lines.push(...(await measureRate(setting, contenders, ratePerS)));
    }
    return lines;
  } finally {
    await contenders.stop();
  }
};

const IDLE_LINE = 'no load, CPU of all processes';
const rateName = (ratePerS: number): string => `REST at ${ratePerS}/s`;

async function measureRate(setting: Setting, contenders: Contenders, ratePerS: number): Promise<Line[]> {
  const { args, step } = setting;
  const seconds = secondsOf(setting, SECONDS);
  const name = rateName(ratePerS);
  step(`ordinary: ${name}`);
  const load = { seconds, warmupS: WARMUP_S, connections: args.connections?.at(-1) ?? CONNECTIONS, ratePerS };
  const count = ratePerS * (seconds + WARMUP_S) + 1;
  const { ours, peer } = await alternate(args.rounds, {
    ours: () => contenders.submitOurs('rest', count, load),
    peer: () => contenders.submitPeer(count, load),
  });
  const latency = (quantile: 'p50' | 'p99'): Line =>
    valueLine({
      ...{ scenario: 'ordinary', line: `${name}, ${quantile}`, unit: 'ms' },
      ...{ ours: ours[`${quantile}Ms`], slice: ours },
      peer: { name: CONVENTIONAL_NAME, value: peer[`${quantile}Ms`], slice: peer },
    });
  const cpu = valueLine({
    ...{ scenario: 'ordinary', line: `${name}, CPU a score`, unit: 'ms' },
    ...{ ours: cpuPerScoreMs(ours, (process) => process !== 'generator'), slice: ours },
    peer: {
      name: CONVENTIONAL_NAME,
      value: cpuPerScoreMs(peer, (process) => PEER_NEEDS.has(process)),
      slice: peer,
    },
  });
  return [latency('p50'), latency('p99'), cpu];
}

function cpuPerScoreMs({ cpuMsPerThousand }: Slice, counts: (process: string) => boolean): number {
  const parts = Object.entries(cpuMsPerThousand).filter(([process]) => counts(process));
  return parts.reduce((sum, [, ms]) => sum + ms, 0) / 1_000;
}

/** Milliseconds of CPU a second. */
async function measureIdle({ args, step }: Setting, { world, peer }: Contenders): Promise<Line> {
  step(`ordinary: ${IDLE_LINE}`);
  const { game } = world.stack.stack().processes;
  if (game === undefined) throw new Error('the stack has no game server');
  const groups = [...world.groups({ name: 'conventional', pid: peer.pid }, { name: 'game', pid: game.pid })];
  const seconds = args.quick ? QUICK_IDLE_S : IDLE_S;
  // What the warm-up left behind, deliveries and seals, is done by then.
  await delay(seconds * 1_000);
  const before = cpuSeconds(groups);
  await delay(seconds * 1_000);
  const after = cpuSeconds(groups);
  const used = groups.map(({ name }) => {
    return [name, (((after[name] ?? 0) - (before[name] ?? 0)) * 1_000) / seconds] as const;
  });
  const sum = (counts: (process: string) => boolean) =>
    used.reduce((total, [name, ms]) => total + (counts(name) ? ms : 0), 0);
  return valueLine({
    ...{ scenario: 'ordinary', line: IDLE_LINE, unit: 'ms/s', ours: sum((name) => name !== 'conventional') },
    details: { byProcess: Object.fromEntries(used) },
  });
}
