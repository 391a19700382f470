/**
 * A board with rules, honest players who keep them, and cheats of every kind. Some cheat from the first to the last moment; others
 * begin right before a fault and go on until they are flagged after it, so that each fault has names of its own to lose.
 */

import type { Random } from '../../../support/random.ts';
import { waitFor } from '../../../support/wait-for.ts';
import type { BoardRule, Cheat, Conduct } from '../../record/record.ts';
import { readFlags } from '../observe/dumps.ts';
import type { FaultStack } from '../stack/stack.ts';
import type { EdgeCalls } from './edge-calls.ts';
import { type Habit, type HabitualPlayer, startHabitualPlayer } from './habitual-player.ts';
import { createOperator } from './operator.ts';
import type { Signer } from './signer.ts';

export interface RuledBoard {
  /** Everybody who has played here. */
  readonly conducts: readonly Conduct[];
  /** New cheats begin. */
  plant(): Promise<PlantedCheats>;
  /** Resolves when those who cheat all the time are flagged, or will not be. */
  stop(): Promise<void>;
}

export interface PlantedCheats {
  /** Resolves when all of them are flagged, or will not be; they have stopped then. */
  untilFlagged(): Promise<void>;
}

const BOARD = 'arena';
const MAX_POINTS = 100;
/** Each kind has a rule of its own, so that each cheat breaks one alone. `gem` has none but the board's. */
export const RULES: readonly BoardRule[] = [
  { leaderboard: BOARD, kind: '', maxPoints: MAX_POINTS },
  { leaderboard: BOARD, kind: 'level', minIntervalMs: 400 },
  { leaderboard: BOARD, kind: 'coin', window: { ms: 2_000, maxActions: 5 } },
];

const FAST: Habit['pauseMs'] = [80, 120];
/** Never faster than a rule allows, also on a slow network: the next action waits for the answer to the last. */
const HONEST: Habit = { kinds: ['coin', 'level', 'gem'], points: 2, pauseMs: [600, 1_400] };
const HABITS: Readonly<Record<Cheat, Habit>> = {
  'over-cap': { kinds: ['coin'], points: MAX_POINTS + 1, pauseMs: FAST },
  // Together, so that a machine which is slow to answer does not make them keep the rules.
  'too-fast': { kinds: ['level'], points: 1, pauseMs: FAST, atOnce: 2 },
  'over-window': { kinds: ['coin'], points: 1, pauseMs: FAST, atOnce: 8 },
  quarantined: { kinds: ['gem'], points: 1, pauseMs: [400, 600] },
  // Within every rule: two hundred times what others earn.
  'far-ahead': { kinds: ['gem'], points: MAX_POINTS, pauseMs: [180, 220] },
};
const ALL_THE_TIME: readonly Cheat[] = ['quarantined', 'far-ahead'];
const AT_EACH_FAULT: readonly Cheat[] = ['over-cap', 'too-fast', 'over-window'];
/** "Far ahead" is judged only among twenty players or more. */
const CROWD = 20;
/** A cheat may have waited out the fault, six seconds at most; five more are what everything else has to be right again. */
const FLAGGED_WITHIN_MS = 11_000;
/** Who is far ahead is told at the end of a span of ten seconds, and the first one may have begun with too few. */
const TOLD_APART_WITHIN_MS = 25_000;
const OBEYED_WITHIN_MS = 5_000;
const BEYOND_ALL = 1_000_000_000;

export async function startRuledBoard(options: {
  rules: readonly BoardRule[];
  stack: FaultStack;
  calls: EdgeCalls;
  signer: Signer;
  random: Random;
}): Promise<RuledBoard> {
  const { rules, stack, calls, signer, random } = options;
  const conducts: Conduct[] = [];
  let planted = 0;

  async function start(conduct: Conduct['conduct'], userId: string): Promise<HabitualPlayer> {
    const habit = conduct === 'honest' ? HONEST : HABITS[conduct];
    const parts = { calls, signer, random: random.fork() };
    // The auth service may still be on its way back from the last fault.
    const player = await waitFor(
      () => startHabitualPlayer({ leaderboard: BOARD, userId, habit, ...parts }).catch(() => undefined),
      { describe: `a start of ${userId}` },
    );
    conducts.push({ userId, conduct });
    return player;
  }

  async function untilFlagged(names: readonly string[], limitMs: number): Promise<void> {
    const flagged = async () => {
      const known = new Set((await readFlags(stack)).map(({ userId }) => userId));
      return names.every((name) => known.has(name)) || undefined;
    };
    // Who is not flagged in time is found missing by the judge.
    await waitFor(flagged, { limitMs }).catch(() => {});
  }

  await setUp(stack, rules);
  await untilObeyed({ calls, signer });
  const [honest, cheats] = await Promise.all([
    Promise.all(Array.from({ length: CROWD }, (_, at) => start('honest', `honest-${at + 1}`))),
    Promise.all(ALL_THE_TIME.map((cheat) => start(cheat, cheat))),
  ]);
  return {
    conducts,
    async plant() {
      planted += 1;
      const names = AT_EACH_FAULT.map((cheat) => `${cheat}-${planted}`);
      const players = await Promise.all(AT_EACH_FAULT.map((cheat, at) => start(cheat, names[at] ?? cheat)));
      return {
        async untilFlagged() {
          await untilFlagged(names, FLAGGED_WITHIN_MS);
          await Promise.all(players.map((player) => player.stop()));
        },
      };
    },
    async stop() {
      await untilFlagged(ALL_THE_TIME, TOLD_APART_WITHIN_MS);
      await Promise.all([...honest, ...cheats].map((player) => player.stop()));
    },
  };
}

async function setUp(stack: FaultStack, rules: readonly BoardRule[]): Promise<void> {
  const operator = createOperator(stack);
  try {
    await operator.quarantine('quarantined');
    for (const rule of rules) await operator.setRule(rule);
  } finally {
    operator.close();
  }
}

/** Waits until the service refuses an action beyond all rules. Before, such actions count, so they are no player's who is judged. */
async function untilObeyed({ calls, signer }: { calls: EdgeCalls; signer: Signer }): Promise<void> {
  const userId = 'referee';
  const token = await signer.token(userId);
  let tried = 0;
  const isObeyed = async () => {
    tried += 1;
    const action = { leaderboard: BOARD, userId, actionId: `r${tried}`, points: BEYOND_ALL };
    const [signed] = await signer.sign([action]);
    return (signed && (await calls.submit(token, signed, {}))) === 'POINTS_OVER_CAP' || undefined;
  };
  await waitFor(isObeyed, { limitMs: OBEYED_WITHIN_MS, describe: 'rules that are obeyed' });
}
