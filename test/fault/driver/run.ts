/**
 * One run under fire: the whole product is started, players play and viewers watch, one fault after the other is inflicted
 * and survived, then everything heals, comes to rest, and is judged. What a run can't survive it tells with its evidence.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '../../support/random.ts';
import { waitFor } from '../../support/wait-for.ts';
import { checkRecord, type Judgement } from '../checker/check.ts';
import type { BoardRule, Conduct, Limits } from '../record/record.ts';
import type { Fault } from './faults/faults.ts';
import { createHealth } from './health.ts';
import { countOutbox, countUnsealed, dumpStack } from './observe/dumps.ts';
import { startObserver } from './observe/observer.ts';
import { createRecorder, type Recorder } from './observe/recorder.ts';
import { openWatchers } from './observe/watchers.ts';
import { startClimbingPlayers } from './players/climbing-players.ts';
import { startCorrectedBoards } from './players/corrections.ts';
import { createEdgeCalls } from './players/edge-calls.ts';
import { startGreedyPlayer } from './players/greedy-player.ts';
import { startPlayers } from './players/players.ts';
import { RULES, startRuledBoard } from './players/ruled-board.ts';
import { createSigner } from './players/signer.ts';
import { type FaultStack, startFaultStack } from './stack/stack.ts';
import { type Survived, survive, WELL_WITHIN_MS } from './survive.ts';
import { drawTimeline } from './timeline.ts';

export interface RunResult {
  readonly seed: number;
  readonly survived: readonly Survived[];
  readonly judgement: Judgement;
  readonly recorder: Recorder;
  /** History, frames, logs and timeline; only kept when something is wrong. */
  readonly folder: string | undefined;
}

export interface RunOptions {
  seed: number;
  /** The next fault, or undefined when there has been enough. */
  nextFault: (random: Random) => Fault | undefined;
  /** Settings of the product's processes, in place of those that the run is judged by. */
  settings?: Readonly<Record<string, string>>;
  /** What the operator lets players do, in place of the rules that the run is judged by. */
  rules?: readonly BoardRule[];
  /** Whether disks can be filled; it needs the right to mount. */
  disks?: boolean;
  say: (line: string) => void;
}

/** Low enough for a greedy player to pass it in a moment, and twice what the others need. */
const PLAYER_RATE = { perSecond: 30, burst: 60 };
const SETTINGS = {
  RATE_USER_PER_S: String(PLAYER_RATE.perSecond),
  RATE_USER_BURST: String(PLAYER_RATE.burst),
};
const LIMITS: Limits = {
  answerSlackMs: 200,
  freshMs: 1_000,
  freshAfterHealMs: 5_000,
  outboxAgeMs: 10_000,
  maxRssBytes: 600 * 1024 * 1024,
  maxDescriptors: 2_000,
  playerRate: PLAYER_RATE,
  // More false names than this and an operator reads the list no more.
  falseFlagShare: 0.01,
};
/** The same promise holds for what waits in the outbox; with the moment of rest that follows, what is then left is too old. */
const OUTBOX_LIMIT_MS = 5_000;
const REST_LIMIT_MS = 30_000;
const PLAYERS = Array.from({ length: 12 }, (_, at) => `player-${String.fromCharCode(97 + at)}`);
const VIEWERS = 6;

export async function runUnderFire(options: RunOptions): Promise<RunResult> {
  const { seed, nextFault, settings, rules = RULES, disks = false, say } = options;
  const folder = await mkdtemp(join(tmpdir(), `scoreboard-fault-${seed}-`));
  const recorder = createRecorder(folder);
  const random = createRandom(seed);
  const stack = await startFaultStack({
    dataDir: join(folder, 'stack'),
    settings: { ...SETTINGS, ...settings },
    disks,
    onExit: (component, how, expected) =>
      recorder.write({ ...recorder.note(), f: 'exit', value: { component, how, expected } }),
  });
  const judged = await judge().finally(async () => {
    await stack.stop();
    await recorder.close();
  });
  const { violations } = judged.judgement;
  const isWrong =
    violations.length > 0 || judged.survived.some(({ wellAfterMs }) => wellAfterMs === undefined);
  if (!isWrong) await rm(folder, { recursive: true, force: true });
  return { seed, ...judged, recorder, folder: isWrong ? folder : undefined };

  async function judge() {
    const { survived, conducts, dumps } = await play({ stack, recorder, random, nextFault, rules, say });
    const { history, frames } = recorder;
    const judgement = checkRecord({ history, frames, dumps, limits: LIMITS, rules: RULES, conducts });
    await writeFile(join(folder, 'timeline.txt'), drawTimeline({ seed, history, survived, judgement }));
    await writeFile(join(folder, 'dumps.json'), JSON.stringify(dumps));
    return { survived, judgement };
  }
}

async function play(options: {
  stack: FaultStack;
  recorder: Recorder;
  random: Random;
  nextFault: RunOptions['nextFault'];
  rules: readonly BoardRule[];
  say: RunOptions['say'];
}) {
  const { stack, recorder, random, nextFault, rules, say } = options;
  const signer = createSigner({ dataDir: stack.dataDir, authAddress: stack.direct.authAddress });
  const calls = createEdgeCalls(stack.edgeUrl, recorder);
  const tokens = await Promise.all(
    Array.from({ length: VIEWERS }, (_, at) => (at % 2 === 0 ? undefined : signer.token(PLAYERS[at] ?? ''))),
  );
  const watchers = openWatchers({ url: stack.fanoutUrl, tokens, random: random.fork(), recorder });
  const observer = startObserver(stack, recorder);
  try {
    const health = await createHealth({ calls, signer, watchers });
    if ((await health.untilWell(WELL_WITHIN_MS)) === undefined) throw new Error('it never worked');
    const players = await startPlayers({ names: PLAYERS, calls, signer, random: random.fork() });
    const greedy = await startGreedyPlayer({ calls, signer });
    const ruledBoard = await startRuledBoard({ rules, stack, calls, signer, random: random.fork() });
    const climbing = startClimbingPlayers({ calls, signer, random: random.fork() });
    const corrected = await startCorrectedBoards({ stack, calls, signer, recorder, random: random.fork() });
    const survived: Survived[] = [];
    for (;;) {
      const fault = nextFault(random);
      if (fault === undefined) break;
      survived.push(await survive(fault, { stack, recorder, health, ruledBoard, say }));
    }
    await Promise.all([players.stop(), greedy.stop(), climbing.stop(), corrected.stop(), ruledBoard.stop()]);
    const honest = PLAYERS.map((userId): Conduct => ({ userId, conduct: 'honest' }));
    await waitFor(async () => ((await countOutbox(stack)) === 0 ? true : undefined), {
      limitMs: OUTBOX_LIMIT_MS,
      describe: 'an empty outbox',
    }).catch((error: unknown) => say(String(error)));
    await waitFor(async () => ((await countUnsealed(stack)) === 0 ? true : undefined), {
      limitMs: REST_LIMIT_MS,
      describe: 'a sealed log',
    }).catch((error: unknown) => say(String(error)));
    await sleep(LIMITS.freshAfterHealMs);
    return { survived, conducts: [...honest, ...ruledBoard.conducts], dumps: await dumpStack(stack) };
  } finally {
    watchers.stop();
    await observer.stop();
    signer.close();
  }
}
