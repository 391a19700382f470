/**
 * One run of the simulated scoreboard in one thread: first chaos, then peace, then the record of the run. Players go through
 * one edge.
 */
import { createSubmit } from '../../../edge/http/submit/submit.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import { createRandom, type Random } from '../../support/random.ts';
import type { HistoryEvent, RunRecord, SocketEvent } from '../record/record.ts';
import { scheduleChaos } from './chaos.ts';
import { createOperator } from './clients/operator.ts';
import { CORRECTED_BOARD, createPlayer } from './clients/player.ts';
import { dumpWorld } from './dump.ts';
import type { Mutations } from './environment/mutations.ts';
import { createNetwork, type Network, type Server } from './environment/network.ts';
import { inVirtualTime, type VirtualTime } from './environment/virtual-time.ts';
import { connectScore } from './nodes/score-calls.ts';
import { buildWorld, PLAYERS, type World } from './world.ts';

export interface SimulatedRun {
  readonly record: RunRecord;
  /** The faults of the seed, in order. */
  readonly schedule: readonly string[];
}

/** The others leave during the chaos: what is lost of them is not made good by a later score of theirs. */
const STAYING = 4;
const CHAOS_MS = 8_000;
/** Peace has to bring everything in order within this. */
const LIVENESS_MS = 7_000;
const PEACE_MS = 3_000;
/** So long after the last action everything must be at rest. */
const REST_MS = 5_500;
const NS_PER_MS = 1_000_000;
/** One run in three has a board whose operator corrects. The others are the same as without. */
const CORRECTED_RUNS = 3;
const CORRECTED_PLAYERS = ['moe', 'ned'];

export function simulate(seed: number, mutations: Mutations = {}): Promise<SimulatedRun> {
  const random = createRandom(seed);
  const isCorrected = seed % CORRECTED_RUNS === 1;
  return inVirtualTime(random.fork(), (time) => live(time, random, { mutations, isCorrected }));
}

async function live(
  time: VirtualTime,
  random: Random,
  { mutations, isCorrected }: { mutations: Mutations; isCorrected: boolean },
): Promise<SimulatedRun> {
  const history: HistoryEvent[] = [];
  const frames: SocketEvent[] = [];
  const network = createNetwork(time, random.fork());
  const world = buildWorld({ time, random, network, mutations, write: (event) => frames.push(event) });
  const edge = startEdge(world, network, random);
  let ops = 0;
  const common = { nextOp: () => ++ops, write: (event: HistoryEvent) => void history.push(event) };
  const players = PLAYERS.map((userId) =>
    createPlayer({ ...{ userId, time, network, edge, random: random.fork() }, ...common }),
  );
  const staying = players.slice(0, STAYING);
  const play = (untilMs: number) => Promise.all(staying.map((player) => player.play(untilMs)));
  const playAndLeave = () => players.slice(STAYING).map((player) => player.play(random.next() * CHAOS_MS));
  const note = (phase: 'begin' | 'end') => {
    const value = { component: 'viewer-fanout', kind: 'chaos', phase };
    history.push({ proc: 'world', op: 0, monoNs: time.nowMs() * NS_PER_MS, f: 'fault', type: 'info', value });
  };

  note('begin');
  network.troubled = true;
  const schedule = scheduleChaos(world, time, random.fork(), CHAOS_MS);
  const correcting = isCorrected ? startCorrected(world, edge, { time, network, random, ...common }) : [];
  const playing = Promise.all([
    ...[play(CHAOS_MS), ...playAndLeave()],
    ...correcting.map((work) => work(CHAOS_MS)),
  ]);
  await time.sleep(CHAOS_MS);
  network.troubled = false;
  note('end');
  await playing;
  await time.sleep(LIVENESS_MS);
  const peaceMs = time.nowMs() + PEACE_MS;
  await Promise.all([play(peaceMs), ...correcting.map((work) => work(peaceMs))]);
  await time.sleep(REST_MS);
  return { schedule, record: { history, frames, rules: [], conducts: [], ...(await dumpWorld(world)) } };
}

/** Players of a board of their own, and the operator who corrects their scores. */
function startCorrected(
  { scores }: World,
  edge: Parameters<typeof createPlayer>[0]['edge'],
  parts: Omit<Parameters<typeof createPlayer>[0], 'userId' | 'edge'>,
): ((untilMs: number) => Promise<void>)[] {
  const { random } = parts;
  const leaderboard = CORRECTED_BOARD;
  const players = CORRECTED_PLAYERS.map((userId) =>
    createPlayer({ ...parts, userId, leaderboard, edge, random: random.fork() }),
  );
  const operator = createOperator({
    ...parts,
    players: CORRECTED_PLAYERS,
    leaderboard,
    scores,
    random: random.fork(),
  });
  return [...players.map(({ play }) => play), operator.work];
}

function startEdge({ scores }: World, network: Network, random: Random) {
  const score = connectScore({ alive: true }, scores, network, random);
  const metrics = createMetrics('edge', { runtime: false });
  const server: Server = { state: 'up', life: 1 };
  return { server, submit: createSubmit({ score, topCache: { observe: () => {} }, metrics }) };
}
