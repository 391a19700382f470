/**
 * Everything at once: eight thousand submissions a second while five thousand sockets watch. One player leads by far, so
 * that each of that player's scores changes the board; from the first byte of its request to its arrival at every socket
 * is "score to screen".
 */
import { type Child, startChild } from '../calls.ts';
import type { CrowdCalls } from '../generator/crowd-main.ts';
import { createHistogram } from '../generator/histogram.ts';
import type { LoadResult } from '../generator/load.ts';
import { type Line, rateLine, valueLine } from '../lines.ts';
import { loadSlice, quantiles, withCosts } from '../measure.ts';
import type { World } from '../world.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { freshPrefix, type Scenario, type Setting, secondsOf } from './scenario.ts';

const SECONDS = 10;
const WARMUP_S = 2;
const RATE_PER_S = 8_000;
const QUICK_RATE_PER_S = 2_000;
const CONNECTIONS = 2_000;
const SOCKETS = 5_000;
const QUICK_SOCKETS = 500;
const OPEN_PER_S = 1_800;
/** Often enough for a distribution, rarely enough that no two share a tick. */
const LEADER_PER_S = 5;
const LEADER_CONNECTIONS = 4;
/** The leader's step and head start are beyond what all others together can reach. */
const LEADER_STEP = 1_000_000;
const HEAD_START = 1_000_000_000;
/** A score that no socket has after this long counts as missing. */
const LAST_FRAMES_MS = 2_000;

export const mixed: Scenario = async (setting) => {
  const world = await setting.world();
  const contenders = await startContenders(world);
  const crowd = startChild<CrowdCalls>(new URL('../generator/crowd-main.ts', import.meta.url));
  try {
    return await run(setting, contenders, crowd);
  } finally {
    await crowd.stop();
    await contenders.stop();
  }
};

async function run(setting: Setting, contenders: Contenders, crowd: Child<CrowdCalls>): Promise<Line[]> {
  const { args, step } = setting;
  const { world, generator } = contenders;
  const seconds = secondsOf(setting, SECONDS, 4);
  const sockets = args.quick ? QUICK_SOCKETS : SOCKETS;
  const ratePerS = args.quick ? QUICK_RATE_PER_S : RATE_PER_S;
  step(`mixed: ${sockets} sockets`);
  const place = {
    port: world.fanoutPort,
    path: '/live',
    dialect: 'plain',
    localAddress: '127.0.0.1',
  } as const;
  await crowd.call('open', { ...place, sockets, perSecond: OPEN_PER_S });
  const scores = LEADER_PER_S * (seconds + WARMUP_S);
  const firstScore = await lead(contenders, scores);
  await crowd.call('follow', { firstScore, step: LEADER_STEP, count: scores });
  await contenders.prepare({ name: 'crowd', count: ratePerS * (seconds + WARMUP_S) + 1 });
  step(`mixed: ${ratePerS} submissions/s`);
  await crowd.call('seen', { restartMeter: true });
  const times = { seconds, warmupS: WARMUP_S };
  const leading = { port: world.edgePort, ...times, ratePerS: LEADER_PER_S, connections: LEADER_CONNECTIONS };
  const { result, costs } = await withCosts(
    [...contenders.groups, { name: 'sockets', pid: crowd.pid }],
    () =>
      Promise.all([
        contenders.runOurs('crowd', { ...times, connections: CONNECTIONS, ratePerS }),
        generator.call('run', { name: 'leader', options: { ...leading, keepStarts: true } }),
      ]),
    ([{ operations }]) => operations,
  );
  const [load, leader] = result;
  const seen = await crowd.call('seen', { restartMeter: false });
  await new Promise((resolve) => setTimeout(resolve, LAST_FRAMES_MS));
  const { latency, missing } = await crowd.call('screens', { startsMs: leader.startsMs });
  const submit = loadSlice(load, costs);
  const screen = quantiles(latency);
  const details = {
    sockets,
    ratePerS,
    leaderPerS: LEADER_PER_S,
    missing,
    frames: seen.frames,
    crowdBusy: seen.utilisation,
  };
  return [
    rateLine({ scenario: 'mixed', line: `submit at ${ratePerS}/s`, unit: 'scores/s', ours: submit, details }),
    valueLine({
      ...{
        scenario: 'mixed',
        line: `score to screen, ${sockets} sockets, p50`,
        unit: 'ms',
        ours: screen.p50Ms,
      },
      slice: {
        ...submit,
        ...screen,
        perSecond: createHistogram(latency).count / seconds,
        errors: missing + failures(leader),
        generatorCpuShare: seen.cpuShare,
        generatorUtilisation: seen.utilisation,
      },
      details,
    }),
  ];
}

function failures({ statuses }: LoadResult): number {
  return Object.entries(statuses).reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0);
}

/** Gives the leader a head start, prepares the steps, and answers the score after the first of them. */
async function lead({ world, generator }: Contenders, count: number): Promise<number> {
  const leader = world.players[0];
  if (leader === undefined) throw new Error('there are no players');
  const signer = { kind: 'auth', address: world.authAddress, serviceKey: world.serviceKey('cli') } as const;
  const prepare = (name: string, points: number, actions: number) =>
    generator.call('prepare', {
      name,
      options: { form: 'rest', signer, prefix: freshPrefix('l'), count: actions, points, players: [leader] },
    });
  await prepare('head start', HEAD_START, 1);
  await generator.call('run', {
    name: 'head start',
    options: { port: world.edgePort, connections: 1, seconds: 1, warmupS: 0 },
  });
  await prepare('leader', LEADER_STEP, count);
  return (await scoreOf(world, leader.token)) + LEADER_STEP;
}

async function scoreOf(world: World, token: string): Promise<number> {
  const response = await fetch(`${world.stack.edgeUrl}/api/v1/scoreboard/me`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { score } = (await response.json()) as { score: number };
  return score;
}
