/**
 * Players who climb to the largest total: on a board of their own, each hands in several large and small actions at once, which
 * together do not fit, and then all of them again, so that repeats meet a total that is full.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../support/random.ts';
import { isWorthRetrying } from '../../record/outcome.ts';
import type { EdgeCalls } from './edge-calls.ts';
import type { SignedAction, Signer } from './signer.ts';

export interface ClimbingPlayers {
  /** Resolves when the last of them had its answers, or has given up on them. */
  stop(): Promise<void>;
}

const BOARD = 'high';
const MAX = Number.MAX_SAFE_INTEGER;
const POINTS = [0, 1, 2, 1_000, 2 ** 51, 2 ** 52, MAX - 1_000, MAX - 1, MAX];
const ACTIONS = 8;
const PAUSE_MS = 300;
const ATTEMPTS = 20;

export function startClimbingPlayers({
  calls,
  signer,
  random,
}: {
  calls: EdgeCalls;
  signer: Signer;
  random: Random;
}): ClimbingPlayers {
  let climbers = 0;
  let stopped = false;

  async function submitUntilAnswered(token: string, action: SignedAction): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const answer = await calls.submit(token, action, {});
      if (typeof answer !== 'string' || !isWorthRetrying(answer)) return;
      await sleep(PAUSE_MS);
    }
  }

  async function climb(): Promise<void> {
    climbers += 1;
    const userId = `climber-${climbers}`;
    const wanted = Array.from({ length: ACTIONS }, (_, at) => {
      return { leaderboard: BOARD, userId, actionId: `h${at}`, points: random.pick(POINTS) };
    });
    const [token, actions] = await Promise.all([signer.token(userId), signer.sign(wanted)]);
    for (const round of [actions, actions.toReversed()]) {
      await Promise.all(round.map((action) => submitUntilAnswered(token, action)));
    }
  }

  async function play(): Promise<void> {
    while (!stopped) {
      // While auth is away, or its clock is off, there is no climber.
      await climb().catch(() => {});
      await sleep(PAUSE_MS);
    }
  }

  const playing = play();
  return {
    async stop() {
      stopped = true;
      await playing;
    },
  };
}
