/**
 * A player: submits actions through the edge's own use case and follows the documented rule, which is to send an action
 * again, unchanged, until there is an answer. Now and then it repeats an action that has one, or abuses its id.
 */
import type { Submit } from '../../../../edge/http/submit/submit.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import type { Random } from '../../../support/random.ts';
import { isWorthRetrying, outcomeOf } from '../../record/outcome.ts';
import type { HistoryEvent } from '../../record/record.ts';
import type { Failures, Network, Process, Server } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';

export interface PlayerOptions {
  userId: string;
  /** Where alone the player plays; undefined for all boards but the corrected one. */
  leaderboard?: string;
  time: VirtualTime;
  network: Network;
  random: Random;
  edge: { readonly server: Server; readonly submit: Submit };
  /** Numbers calls over all players. */
  nextOp: () => number;
  write: (event: HistoryEvent) => void;
}

interface Action {
  readonly leaderboard: string;
  readonly actionId: string;
  readonly points: number;
}

const NS_PER_MS = 1_000_000;
const DEADLINE_MS = 2_000;
const LONGEST_PAUSE_MS = 1_000;
const LONGEST_RETRY_MS = 600;
const REPEATS = 0.2;
const ABUSES = 0.1;
const QUICK = 0.3;
const HIGH = 0.2;
/** Small numbers, so that ties are common. */
const MOST_POINTS = 3;
/** On one board totals soon come near the largest, where some actions fit and others do not. */
const HIGH_BOARD = 'high';
const HIGH_POINTS = [0, 1, 2, 3, 2 ** 51, 2 ** 52, Number.MAX_SAFE_INTEGER - 3, Number.MAX_SAFE_INTEGER];
/** The board of an operator who corrects, in runs that have one. */
export const CORRECTED_BOARD = 'mended';
export const BOARDS = ['global', 'weekly', HIGH_BOARD, CORRECTED_BOARD];

const FAILURES: Failures = {
  refused: () => new AppError('SCORE_UNAVAILABLE'),
  lost: () => new AppError('SCORE_UNAVAILABLE'),
  timeout: () => new AppError('DEADLINE_EXCEEDED'),
};

export type Player = ReturnType<typeof createPlayer>;

export function createPlayer(options: PlayerOptions) {
  const { userId, leaderboard: only, time, network, random, edge, nextOp, write } = options;
  const process: Process = { alive: true };
  const identity = {
    userId,
    username: userId,
    tokenId: userId,
    issuer: 'scoreboard',
    keyId: 'k1',
    issuedAtMs: 0,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  };
  const done: Action[] = [];
  let actions = 0;

  /** The reason of the refusal, or undefined when it counted. */
  async function submitOnce(action: Action): Promise<string | undefined> {
    const op = nextOp();
    const stamp = () => ({ proc: userId, op, monoNs: time.nowMs() * NS_PER_MS });
    const { leaderboard, actionId, points } = action;
    const call = {
      leaderboard,
      userId,
      actionId,
      points,
      limitMs: DEADLINE_MS,
      credential: 'valid' as const,
    };
    write({ ...stamp(), f: 'submit', type: 'invoke', value: call });
    try {
      const { newScore, version, replayed } = await network.call({
        from: process,
        to: edge.server,
        limitMs: DEADLINE_MS,
        failures: FAILURES,
        serve: () => edge.submit.submit(identity, { ...action, points: BigInt(points), signature: 's' }),
      });
      const value = { newScore: Number(newScore), version: Number(version), replayed };
      write({ ...stamp(), f: 'submit', type: 'ok', value });
      return undefined;
    } catch (error) {
      const reason = error instanceof AppError ? error.reason : 'INTERNAL';
      write({ ...stamp(), f: 'submit', type: outcomeOf(reason), value: { reason } });
      return reason;
    }
  }

  async function submit(action: Action, untilMs: number): Promise<void> {
    while (time.nowMs() < untilMs) {
      const reason = await submitOnce(action);
      if (reason === undefined) done.push(action);
      if (reason === undefined || !isWorthRetrying(reason)) return;
      await time.sleep(random.next() * LONGEST_RETRY_MS);
    }
  }

  function nextAction(): Action {
    actions += 1;
    const actionId = `a${actions}`;
    if (only !== undefined) return { leaderboard: only, actionId, points: random.whole(0, MOST_POINTS) };
    if (random.chance(HIGH)) return { leaderboard: HIGH_BOARD, actionId, points: random.pick(HIGH_POINTS) };
    const leaderboard = random.chance(0.8) ? 'global' : 'weekly';
    return { leaderboard, actionId, points: random.whole(0, MOST_POINTS) };
  }

  return {
    async play(untilMs: number): Promise<void> {
      while (time.nowMs() < untilMs) {
        await time.sleep(random.next() * LONGEST_PAUSE_MS);
        if (done.length > 0 && random.chance(REPEATS)) await submitOnce(random.pick(done));
        if (done.length > 0 && random.chance(ABUSES)) {
          const used = random.pick(done);
          await submitOnce({ ...used, points: used.points === 0 ? 1 : used.points - 1 });
        }
        const action = nextAction();
        if (random.chance(ABUSES)) void submitOnce(action);
        const counted = submit(action, untilMs);
        // Some players are quick: their next action does not wait for the answer to this one.
        if (!random.chance(QUICK)) await counted;
      }
    },
  };
}
