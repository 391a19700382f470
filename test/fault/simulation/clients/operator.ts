/** An operator who corrects the scores of a board, and asks again, unchanged, until there is an answer. */
import { create } from '@bufbuild/protobuf';
import {
  CorrectScoreRequestSchema,
  type CorrectScoreResponse,
} from '../../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import type { Random } from '../../../support/random.ts';
import { outcomeOf } from '../../record/outcome.ts';
import type { CorrectCall, HistoryEvent } from '../../record/record.ts';
import type { Network, Process } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';
import type { ScoreSlot } from '../nodes/score-calls.ts';
import { failuresOf } from '../nodes/slot.ts';

export interface OperatorOptions {
  /** Whose scores, and on which board. */
  players: readonly string[];
  leaderboard: string;
  scores: readonly ScoreSlot[];
  time: VirtualTime;
  network: Network;
  random: Random;
  nextOp: () => number;
  write: (event: HistoryEvent) => void;
}

const NS_PER_MS = 1_000_000;
const LIMIT_MS = 2_000;
const LONGEST_PAUSE_MS = 600;
const LONGEST_RETRY_MS = 600;
const REPEATS = 0.3;
const MOST_POINTS = 4;
const ACTIONS = 12;
const KINDS = ['adjust', 'adjust', 'set', 'void', 'void', 'remove', 'restore'] as const;
/** Nothing was counted, and the same request has the same outcome. */
const RETRIED = [
  'SCORE_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
];

export function createOperator(options: OperatorOptions) {
  const { players, leaderboard, scores, time, network, random, nextOp, write } = options;
  const process: Process = { alive: true };
  let made = 0;

  function nextCorrection(): CorrectCall {
    made += 1;
    const kind = random.pick(KINDS);
    const isOfAmount = kind === 'adjust' || kind === 'set';
    const size = isOfAmount ? random.whole(1, MOST_POINTS) : 0;
    return {
      ...{ operationId: `op${made}`, userId: random.pick(players), kind },
      leaderboard: kind === 'void' ? '' : leaderboard,
      amount: kind === 'adjust' && random.chance(0.5) ? -size : size,
      actionId: kind === 'void' ? `a${random.whole(1, ACTIONS)}` : '',
    };
  }

  async function ask(call: CorrectCall): Promise<string | undefined> {
    const op = nextOp();
    const stamp = () => ({ proc: 'operator', op, monoNs: time.nowMs() * NS_PER_MS, f: 'correct' as const });
    write({ ...stamp(), type: 'invoke', value: call });
    const { server: to, node } = random.pick(scores);
    const failures = failuresOf('SCORE_UNAVAILABLE');
    try {
      const answer: CorrectScoreResponse = await network.call({
        ...{ from: process, to, limitMs: LIMIT_MS, failures },
        serve: () => node.correct(toRequest(call)),
      });
      const [before, after] = [answer.scoreBefore, answer.scoreAfter].map((score) =>
        score === undefined ? null : Number(score),
      ) as [number | null, number | null];
      write({ ...stamp(), type: 'ok', value: { before, after, version: Number(answer.version) } });
      return undefined;
    } catch (error) {
      const reason = error instanceof AppError ? error.reason : 'INTERNAL';
      write({ ...stamp(), type: outcomeOf(reason), value: { reason } });
      return reason;
    }
  }

  return {
    async work(untilMs: number): Promise<void> {
      while (time.nowMs() < untilMs) {
        await time.sleep(random.next() * LONGEST_PAUSE_MS);
        const correction = nextCorrection();
        while (time.nowMs() < untilMs) {
          const reason = await ask(correction);
          if (reason === undefined || !RETRIED.includes(reason)) break;
          await time.sleep(random.next() * LONGEST_RETRY_MS);
        }
        if (random.chance(REPEATS)) await ask(correction);
      }
    },
  };
}

function toRequest({ operationId, userId, leaderboard, kind, amount, actionId }: CorrectCall) {
  const value = BigInt(amount);
  const change = {
    adjust: { case: 'adjustBy', value } as const,
    set: { case: 'setTo', value } as const,
    void: { case: 'voidAction', value: actionId } as const,
    remove: { case: 'remove', value: true } as const,
    restore: { case: 'restore', value: true } as const,
  }[kind];
  return create(CorrectScoreRequestSchema, { operationId, userId, leaderboard, reason: 'simulated', change });
}
