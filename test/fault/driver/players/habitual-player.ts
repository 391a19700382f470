/**
 * One player with one habit: an action after a pause, and again until it counts or never can. An honest one and a cheat differ
 * in the habit alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../support/random.ts';
import { isWorthRetrying } from '../../record/outcome.ts';
import type { EdgeCalls } from './edge-calls.ts';
import type { SignedAction, Signer } from './signer.ts';

export interface Habit {
  /** Before each attempt. */
  readonly pauseMs: readonly [shortest: number, longest: number];
  readonly kinds: readonly string[];
  readonly points: number;
  /** Actions that are sent together, without waiting for the answer to one before the next. 1 when absent. */
  readonly atOnce?: number;
}

export interface HabitualPlayer {
  stop(): Promise<void>;
}

/** Signed in advance. When it is gone while auth is away, the player waits. */
const STOCK = 200;

export async function startHabitualPlayer(options: {
  leaderboard: string;
  userId: string;
  habit: Habit;
  calls: EdgeCalls;
  signer: Signer;
  random: Random;
}): Promise<HabitualPlayer> {
  const { leaderboard, userId, habit, calls, signer, random } = options;
  const token = await signer.token(userId);
  const stock: SignedAction[] = [];
  let made = 0;
  let stopped = false;

  async function refill(): Promise<void> {
    const wanted = Array.from({ length: STOCK }, () => {
      made += 1;
      return { leaderboard, userId, actionId: `${random.pick(habit.kinds)}_${made}`, points: habit.points };
    });
    stock.push(...(await signer.sign(wanted)));
  }

  async function play(): Promise<void> {
    while (!stopped) {
      await sleep(random.whole(...habit.pauseMs));
      if (stock.length === 0) await refill().catch(() => {});
      const actions = stock.splice(0, habit.atOnce ?? 1);
      const answers = await Promise.all(actions.map((action) => calls.submit(token, action, {})));
      const undecided = actions.filter((_, at) => {
        const answer = answers[at];
        return typeof answer === 'string' && isWorthRetrying(answer);
      });
      stock.unshift(...undecided);
    }
  }

  await refill();
  const playing = play();
  return {
    async stop() {
      stopped = true;
      await playing;
    },
  };
}
