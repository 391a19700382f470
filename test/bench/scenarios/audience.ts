/**
 * One run of "score to screen": submissions at a steady rate while sockets watch, and one player who leads by far, so that
 * each of that player's scores changes the board. Timed is the way from the first byte of the leader's request to the
 * board's arrival at every socket.
 */

import type { CrowdCalls, Seen } from '../generator/crowd-main.ts';
import { createHistogram } from '../generator/histogram.ts';
import type { LoadResult } from '../generator/load-run.ts';
import type { Signer } from '../generator/prepare.ts';
import type { Player } from '../generator/requests.ts';
import type { Dialect } from '../generator/websocket.ts';
import type { Slice } from '../measure/lines.ts';
import { loadSlice, quantiles, withCosts } from '../measure/measure.ts';
import { startChild } from '../processes/calls.ts';
import type { ProcessGroup } from '../processes/usage.ts';
import type { Generator } from './contenders.ts';
import { freshPrefix } from './scenario.ts';

/** Who takes submissions and shows boards. */
export interface Side {
  /** Takes submissions. */
  port: number;
  signer: Signer;
  groups: readonly ProcessGroup[];
  /** Where its sockets go, and where they come from. */
  live: { port: number; path: string; dialect: Dialect; localAddress: string };
  scoreOf(player: Player): Promise<number>;
}

export interface AudienceOptions {
  side: Side;
  generator: Generator;
  leader: Player;
  sockets: number;
  /** Left out for a closed loop. */
  ratePerS?: number | undefined;
  connections?: number;
  /** Requests that wait for a free connection; one more is given up. Unlimited when left out. */
  maxWaiting?: number;
  seconds: number;
  /** Says what comes next. */
  step: (words: string) => void;
}

export interface AudienceResult {
  submit: Slice;
  /** p99 of the time to a refusal, in ms; 0 when nothing was refused. */
  refusalP99Ms: number;
  /** Its times are from score to screen, over all sockets and scores; its errors are scores that a socket never saw. */
  screen: Slice;
  seen: Seen;
}

const WARMUP_S = 2;
const CONNECTIONS = 2_000;
/** More than a closed loop uses. */
const PREPARED_PER_S = 32_000;
const OPEN_PER_S = 1_800;
/** Often enough for a distribution, rarely enough that no two share a tick. */
const LEADER_PER_S = 5;
const LEADER_CONNECTIONS = 4;
/** Beyond what all others together can reach. */
const LEADER_STEP = 1_000_000;
const HEAD_START = 1_000_000_000;
/** A score that a socket has not seen after this long counts as missing. */
const LAST_FRAMES_MS = 2_000;

export async function runAudience(options: AudienceOptions): Promise<AudienceResult> {
  const { side, sockets, seconds, step } = options;
  const crowd = startChild<CrowdCalls>(new URL('../generator/crowd-main.ts', import.meta.url));
  try {
    step(`mixed: ${sockets} sockets`);
    await crowd.call('open', { ...side.live, sockets, perSecond: OPEN_PER_S });
    const scores = LEADER_PER_S * (seconds + WARMUP_S);
    const firstScore = await prepare(options, scores);
    await crowd.call('follow', { firstScore, step: LEADER_STEP, count: scores });
    step(`mixed: ${options.ratePerS === undefined ? 'closed loop' : `${options.ratePerS} submissions/s`}`);
    await crowd.call('seen', { restartMeter: true });
    const groups = [...side.groups, { name: 'sockets', pid: crowd.pid }];
    const { result, costs } = await withCosts(
      groups,
      () => submit(options),
      ([{ operations }]) => operations,
    );
    const [load, leading] = result;
    const seen = await crowd.call('seen', { restartMeter: false });
    await new Promise((resolve) => setTimeout(resolve, LAST_FRAMES_MS));
    // Each accepted score raises the leader by one step; one that was refused does not.
    const startsMs = leading.acceptedIndexes.map((index) => leading.startsMs[index] ?? 0);
    const { latency, missing } = await crowd.call('screens', { startsMs });
    const screen = {
      ...loadSlice(load, costs),
      ...quantiles(latency),
      perSecond: createHistogram(latency).count / (seconds + WARMUP_S),
      errors: missing,
      generatorCpuShare: seen.cpuShare,
      generatorUtilisation: seen.utilisation,
    };
    const refusalP99Ms = createHistogram(load.refusals).quantile(0.99);
    return { submit: loadSlice(load, costs), refusalP99Ms, screen, seen };
  } finally {
    await crowd.stop();
  }
}

function submit(options: AudienceOptions): Promise<[LoadResult, LoadResult]> {
  const { side, generator, ratePerS, seconds, connections = CONNECTIONS, maxWaiting } = options;
  const times = { port: side.port, seconds, warmupS: WARMUP_S };
  const keep = { keepStarts: true, keepAccepted: true };
  const leading = { ...times, ratePerS: LEADER_PER_S, connections: LEADER_CONNECTIONS, ...keep };
  const load = { ...times, connections, ratePerS, maxWaiting, recycle: true };
  return Promise.all([
    generator.call('run', { name: 'audience', options: load }),
    generator.call('run', { name: 'leader', options: leading }),
  ]);
}

/** Gives the leader a head start, prepares all requests, and answers the score that the leader's first one leads to. */
async function prepare(options: AudienceOptions, scores: number): Promise<number> {
  const { side, generator, leader, ratePerS = PREPARED_PER_S, seconds } = options;
  const common = { form: 'rest', signer: side.signer } as const;
  const lead = (name: string, points: number, count: number) =>
    generator.call('prepare', {
      name,
      options: { ...common, prefix: freshPrefix('l'), count, points, players: [leader] },
    });
  await lead('head start', HEAD_START, 1);
  await generator.call('run', {
    name: 'head start',
    options: { port: side.port, connections: 1, seconds: 5, warmupS: 0 },
  });
  await lead('leader', LEADER_STEP, scores);
  const count = Math.min(ratePerS, PREPARED_PER_S) * (seconds + WARMUP_S) + 1;
  await generator.call('prepare', {
    name: 'audience',
    options: { ...common, prefix: freshPrefix('a'), count },
  });
  return (await side.scoreOf(leader)) + LEADER_STEP;
}
