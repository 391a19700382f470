/**
 * Boards whose operator corrects all the time: adds and deducts, sets scores, takes actions back, removes and restores players, and
 * puts players in quarantine for a moment. What was not answered is asked again, with the same operation id, until it is.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BoardsService } from '../../../../gen/scoreboard/score/v1/boards_pb.ts';
import { CorrectionsService } from '../../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { LimitsService } from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { keyFile } from '../../../../services/provision/secrets.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { createGrpcClient } from '../../../../services/shared/grpc/grpc.ts';
import { secretsDir } from '../../../../services/shared/identity/stack-file.ts';
import type { Random } from '../../../support/random.ts';
import { outcomeOf } from '../../record/outcome.ts';
import type { CorrectCall } from '../../record/record.ts';
import type { Recorder } from '../observe/recorder.ts';
import type { FaultStack } from '../stack/stack.ts';
import type { EdgeCalls } from './edge-calls.ts';
import { type HabitualPlayer, startHabitualPlayer } from './habitual-player.ts';
import type { Signer } from './signer.ts';

export interface CorrectedBoards {
  /** Resolves when the last correction is answered, or given up, and everybody is out of quarantine. */
  stop(): Promise<void>;
}

/** A board of each operator, one of them with less being better. */
const BOARDS = [
  { name: 'mended-sum', operator: 'sum', order: 'descending' },
  { name: 'mended-best', operator: 'best', order: 'ascending' },
  { name: 'mended-last', operator: 'last', order: 'descending' },
] as const;
const PLAYERS_OF_BOARD = 3;
const PAUSE_MS: readonly [number, number] = [60, 240];
const RETRY_MS = 200;
const LATE_ATTEMPTS = 20;
const QUARANTINES = 0.1;
const REPEATS = 0.2;
const MOST_POINTS = 9;
const ACTIONS_TAKEN_BACK = 40;
const call = { limitMs: 2_000 };
/** The same request again has the same outcome. */
const FINAL = [
  ...['SCORE_OUT_OF_RANGE', 'PLAYER_NOT_FOUND', 'PLAYER_NOT_REMOVED', 'ACTION_NOT_FOUND', 'ACTION_VOIDED'],
  'BOARD_NOT_FOUND',
];

export async function startCorrectedBoards(options: {
  stack: Pick<FaultStack, 'dataDir' | 'direct'>;
  calls: EdgeCalls;
  signer: Signer;
  recorder: Recorder;
  random: Random;
}): Promise<CorrectedBoards> {
  const { stack, calls, signer, recorder, random } = options;
  const operator = connectOperator(stack);
  for (const board of BOARDS) await operator.boards.createBoard(board, call);
  const people = BOARDS.flatMap(({ name }) =>
    Array.from({ length: PLAYERS_OF_BOARD }, (_, at) => ({ leaderboard: name, userId: `${name}-${at}` })),
  );
  const players: HabitualPlayer[] = await Promise.all(
    people.map((person) => {
      const habit = { kinds: ['run'], points: random.whole(1, MOST_POINTS), pauseMs: [300, 700] } as const;
      return startHabitualPlayer({ ...person, habit, calls, signer, random: random.fork() });
    }),
  );
  let stopped = false;
  let made = 0;

  /** The reason of the refusal, or undefined when it counted. */
  async function askOnce(correct: CorrectCall): Promise<string | undefined> {
    const op = recorder.nextOp();
    const stamp = () => ({ proc: 'operator', op, monoNs: recorder.nowNs(), f: 'correct' as const });
    recorder.write({ ...stamp(), type: 'invoke', value: correct });
    try {
      const answer = await operator.corrections.correctScore(toRequest(correct), call);
      const [before, after] = [answer.scoreBefore, answer.scoreAfter].map((score) =>
        score === undefined ? null : Number(score),
      ) as [number | null, number | null];
      recorder.write({ ...stamp(), type: 'ok', value: { before, after, version: Number(answer.version) } });
      return undefined;
    } catch (error) {
      const reason = error instanceof AppError ? error.reason : 'INTERNAL';
      recorder.write({ ...stamp(), type: outcomeOf(reason), value: { reason } });
      return reason;
    }
  }

  async function askUntilAnswered(correct: CorrectCall): Promise<void> {
    for (let late = 0; late < LATE_ATTEMPTS; ) {
      if (stopped) late += 1;
      const reason = await askOnce(correct);
      if (reason === undefined || FINAL.includes(reason)) return;
      await sleep(RETRY_MS);
    }
  }

  function nextCorrection({ leaderboard, userId }: (typeof people)[number]): CorrectCall {
    made += 1;
    const kind = random.pick(['adjust', 'adjust', 'set', 'void', 'void', 'remove', 'restore'] as const);
    const amount = { adjust: random.whole(1, MOST_POINTS), set: random.whole(0, MOST_POINTS) };
    return {
      ...{ operationId: `op-${made}`, userId, kind, leaderboard: kind === 'void' ? '' : leaderboard },
      amount:
        kind === 'adjust' || kind === 'set'
          ? amount[kind] * (random.chance(0.5) && kind === 'adjust' ? -1 : 1)
          : 0,
      actionId: kind === 'void' ? `run_${random.whole(1, ACTIONS_TAKEN_BACK)}` : '',
    };
  }

  async function untilDone(change: () => Promise<unknown>): Promise<void> {
    for (let late = 0; late < LATE_ATTEMPTS; ) {
      if (stopped) late += 1;
      const isDone = await change().then(
        () => true,
        () => false,
      );
      if (isDone) return;
      await sleep(RETRY_MS);
    }
  }

  async function work(): Promise<void> {
    while (!stopped) {
      await sleep(random.whole(...PAUSE_MS));
      const person = random.pick(people);
      const { userId } = person;
      if (random.chance(QUARANTINES)) {
        await untilDone(() => operator.limits.quarantinePlayer({ userId }, call));
        await sleep(random.whole(...PAUSE_MS));
        await untilDone(() => operator.limits.releasePlayer({ userId }, call));
        continue;
      }
      const correct = nextCorrection(person);
      await askUntilAnswered(correct);
      if (random.chance(REPEATS)) await askOnce(correct);
    }
  }

  const working = work();
  return {
    async stop() {
      stopped = true;
      await working;
      await Promise.all(players.map((player) => player.stop()));
      operator.close();
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
  return { operationId, userId, leaderboard, reason: 'a fault run', operator: 'driver', change };
}

function connectOperator({ dataDir, direct }: Pick<FaultStack, 'dataDir' | 'direct'>) {
  const toScore = {
    address: direct.scoreAddress,
    serviceKey: readFileSync(keyFile(secretsDir(dataDir), 'cli'), 'utf8').trim(),
    unavailable: 'SCORE_UNAVAILABLE',
  } as const;
  const corrections = createGrpcClient(CorrectionsService, toScore);
  const limits = createGrpcClient(LimitsService, toScore);
  const boards = createGrpcClient(BoardsService, toScore);
  return {
    ...{ corrections, limits, boards },
    close(): void {
      for (const client of [corrections, limits, boards]) client.close();
    },
  };
}
