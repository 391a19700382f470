/** The steps from a submission to its answer: their order, and what each of them gets. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, expect, it } from 'vitest';
import { SubmissionSchema } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import type { AcceptStore, LedgerEntry } from '../../../../services/score/accept/accept-store.ts';
import {
  createSubmitScores,
  type SubmitScoresOptions,
} from '../../../../services/score/submit/submit-scores.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import type { Projected } from '../../../../services/shared/values/board.ts';
import { boardsOf } from '../../../support/doubles/boards-of.ts';

const INDEX = { epoch: 7n, source: 'redis', building: undefined } as const;
const POSITION = { epoch: 7n, seq: 3n };

let steps: string[];
let known: LedgerEntry[];
let project: (projected: Projected[]) => Projected[];

beforeEach(() => {
  steps = [];
  known = [];
  project = (projected) => projected;
});

/** Every player has the version 2 after this action, and the rank 1. */
const store: AcceptStore = {
  async insert(players, actions) {
    steps.push(`accept ${actions.map(({ actionId }) => actionId).join(' ')}`);
    const isKnown = actions.some(({ actionId }) => known.some((entry) => entry.actionId === actionId));
    if (isKnown) return undefined;
    const states = players.map((player) => ({ ...player, version: 2n, reached: 1n, changed: true }));
    return { players: states, outboxId: 9n, index: INDEX };
  },
  find: async () => known,
};

function start(change: Partial<SubmitScoresOptions> = {}) {
  return createSubmitScores({
    isDeniedName: () => false,
    breaker: { refusal: () => undefined, run: (call) => call() },
    outbox: { isFull: () => false },
    verifier: {
      async verifyAll(actions) {
        steps.push(`verify ${actions.map(({ actionId }) => actionId).join(' ')}`);
        return actions.map(({ signature }) =>
          signature === 'bad' ? new AppError('SIGNATURE_INVALID') : 'k1',
        );
      },
      close: async () => {},
    },
    store,
    skipLocked: (accept) => accept,
    catalog: boardsOf(),
    limits: {
      lane: {
        isEmpty: () => true,
        concerns: () => false,
        accept: async () => ({ answers: [], batch: undefined }),
      },
      flags: {
        noteAnswers: () => {},
        noteAccepted: (players) => void steps.push(`note ${players.map(({ userId }) => userId).join(' ')}`),
      },
    },
    boards: {
      async project(players) {
        steps.push(`project ${players.map(({ userId }) => userId).join(' ')}`);
        const ranks = players.map((_, at) => at + 1);
        const board = { leaderboard: 'global', players, ranks, board: undefined };
        return project([{ ...board, position: POSITION, complete: true }]);
      },
      async ranks(players) {
        steps.push(`ranks ${players.map(({ userId }) => userId).join(' ')}`);
        return players.map(() => 4);
      },
    },
    delivery: { deliver: (outboxId) => void steps.push(`deliver ${outboxId}`) },
    rejected: { note: ({ actionId }, { reason }) => void steps.push(`reject ${actionId} ${reason}`) },
    log: createSilentLog(),
    metrics: createMetrics('test', { runtime: false }),
    ...change,
  });
}

const submission = (
  userId: string,
  actionId: string,
  fields: MessageInitShape<typeof SubmissionSchema> = {},
) => create(SubmissionSchema, { userId, actionId, points: 1n, signature: 'good', ...fields });
const submit = (submitScores: ReturnType<typeof start>, ...submissions: ReturnType<typeof submission>[]) =>
  submitScores.submit(submissions, 'edge', Deadline.after(1_000));

it('verifies, accepts, projects, delivers and answers a batch, in this order', async () => {
  expect(await submit(start(), submission('ada', 'a1'), submission('bob', 'b1'))).toMatchObject([
    { newScore: 1n, version: 2n, replayed: false, rank: 1, position: POSITION },
    { newScore: 1n, version: 2n, replayed: false, rank: 2, position: POSITION },
  ]);
  expect(steps).toEqual(['verify a1 b1', 'accept a1 b1', 'note ada bob', 'project ada bob', 'deliver 9']);
});

it('delivers and answers without ranks what rank did not project', async () => {
  project = (projected) =>
    projected.map((board) => ({ ...board, ranks: undefined, position: undefined, complete: false }));
  const [answer] = await submit(start(), submission('ada', 'a1'));
  expect(answer).toMatchObject({ newScore: 1n, rank: undefined, position: undefined });
  expect(steps).toContain('deliver 9');
});

it('reads the rank of a repeat, which changes nothing and is neither projected nor delivered', async () => {
  const before = {
    leaderboard: 'global',
    userId: 'ada',
    points: 1n,
    scoreAfter: 5n,
    changedScore: true,
    version: 3n,
  };
  known = [{ ...before, actionId: 'a1' }];
  const [answer] = await submit(start(), submission('ada', 'a1'));
  expect(answer).toMatchObject({ newScore: 5n, version: 3n, replayed: true, rank: 4, position: undefined });
  expect(steps).toEqual(['verify a1', 'accept a1', 'ranks ada']);
});

it('answers each refused submission at its place, and records those that are well formed', async () => {
  const outcomes = await submit(
    start(),
    submission('ada', 'a1', { signature: 'bad' }),
    submission('bob', 'not an id'),
    submission('cy', 'c1'),
  );
  expect(outcomes).toMatchObject([
    { reason: 'SIGNATURE_INVALID' },
    { reason: 'ACTION_ID_INVALID' },
    { newScore: 1n },
  ]);
  expect(steps).toEqual([
    ...['verify a1 c1', 'accept c1', 'note cy', 'project cy', 'deliver 9'],
    'reject a1 SIGNATURE_INVALID',
  ]);
});

it('runs each commit through the breaker', async () => {
  const run = async () => {
    throw new AppError('STORE_UNAVAILABLE');
  };
  const outcomes = await submit(
    start({ breaker: { refusal: () => undefined, run } }),
    submission('ada', 'a1'),
  );
  expect(outcomes).toMatchObject([{ reason: 'STORE_UNAVAILABLE' }]);
  expect(steps).toEqual(['verify a1', 'reject a1 STORE_UNAVAILABLE']);
});
