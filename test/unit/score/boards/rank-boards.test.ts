import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, expect, it } from 'vitest';
import {
  type GetPlacesRequestSchema,
  GetPlacesResponseSchema,
  type ProjectStatesRequestSchema,
  ProjectStatesResponseSchema,
} from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createRankBoards } from '../../../../services/score/boards/rank-boards.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import type { CallOptions } from '../../../../services/shared/grpc/grpc-client.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { IndexState, PlayerState } from '../../../../services/shared/values/board.ts';

type Projection = MessageInitShape<typeof ProjectStatesRequestSchema>;
type Places = MessageInitShape<typeof GetPlacesRequestSchema>;

const WAIT_MS = 40;
const INDEX: IndexState = { epoch: 7n, source: 'redis', building: 8n };
const state = (userId: string, leaderboard = 'global'): PlayerState => ({
  ...{ leaderboard, userId, username: `Name of ${userId}` },
  ...{ points: 5n, version: 2n, reached: 1001n },
});

let streamed: Projection[];
let called: Projection[];
let asked: Places[];
let limits: number[];
let failed: unknown[];
let away: boolean;
let answer: (request: Projection) => MessageInitShape<typeof ProjectStatesResponseSchema>;

const boardsAnswered = ({ boards = [] }: Projection) => ({
  boards: boards.map(({ userIds = [] }) => ({
    ranks: userIds.map((_, at) => at + 1),
    ...{ epoch: 7n, seq: 3n, complete: true },
  })),
});

beforeEach(() => {
  [streamed, called, asked, limits, failed, away] = [[], [], [], [], [], false];
  answer = boardsAnswered;
});

function open() {
  const projecting =
    (requests: Projection[]) =>
    async (request: Projection, { limitMs }: CallOptions) => {
      requests.push(request);
      limits.push(limitMs);
      return create(ProjectStatesResponseSchema, answer(request));
    };
  return createRankBoards({
    stream: { projectStates: projecting(streamed) },
    calls: {
      projectStates: projecting(called),
      async getPlaces(request: Places, { limitMs }: CallOptions) {
        asked.push(request);
        limits.push(limitMs);
        const outcomes = (request.queries ?? []).map(({ userId = '' }) =>
          userId === 'nobody'
            ? { result: { case: 'refused' as const, value: { reason: 'PLAYER_NOT_FOUND' } } }
            : { result: { case: 'place' as const, value: { entry: { userId, rank: 4n } } } },
        );
        return create(GetPlacesResponseSchema, { outcomes });
      },
    },
    watch: { isAway: () => away, onFailed: (error) => failed.push(error), onBack: () => {} },
    waitMs: WAIT_MS,
    log: createSilentLog(),
  });
}

it('sends a batch as one message, in parallel lists by board, with the index of its commit', async () => {
  const projected = await open().project([state('ada'), state('bob', 'weekly'), state('cy')], INDEX);
  expect(streamed).toEqual([
    {
      index: { epoch: 7n, inRedis: true, building: 8n },
      boards: [
        {
          ...{ leaderboard: 'global', userIds: ['ada', 'cy'], usernames: ['Name of ada', 'Name of cy'] },
          ...{ points: [5n, 5n], versions: [2n, 2n], reached: [1001n, 1001n], ascending: false },
        },
        {
          ...{ leaderboard: 'weekly', userIds: ['bob'], usernames: ['Name of bob'] },
          ...{ points: [5n], versions: [2n], reached: [1001n], ascending: false },
        },
      ],
    },
  ]);
  expect(called).toEqual([]);
  expect(projected).toMatchObject([
    { leaderboard: 'global', ranks: [1, 2], position: { epoch: 7n, seq: 3n }, complete: true },
    { leaderboard: 'weekly', ranks: [1], complete: true },
  ]);
});

it('sends the scores of a board where less is better as players see them', async () => {
  const values = [-5n, 0n].map((points, at) => ({ ...state(`p${at}`), points }));
  await open().project(values, INDEX);
  expect(streamed).toMatchObject([{ boards: [{ points: [5n, 0n], ascending: true }] }]);
});

it('returns the board if it changed, and undefined for ranks and a position that rank does not know', async () => {
  const top = [{ userId: 'ada', username: 'Ada', score: 5n, rank: 1n }];
  answer = () => ({ boards: [{ ranks: [1], epoch: 7n, seq: 4n, top, complete: true }] });
  expect(await open().project([state('ada')], INDEX)).toMatchObject([
    { board: { position: { epoch: 7n, seq: 4n }, entries: [{ userId: 'ada', score: 5n, rank: 1 }] } },
  ]);
  answer = () => ({ boards: [{ complete: false }] });
  expect(await open().project([state('ada')], INDEX)).toMatchObject([
    { ranks: undefined, board: undefined, position: undefined, complete: false },
  ]);
});

it('reports states as incomplete when rank does not answer, and sends nothing while it is away', async () => {
  const incomplete = [{ leaderboard: 'global', ranks: undefined, complete: false }];
  const error = new AppError('RANK_UNAVAILABLE');
  answer = () => {
    throw error;
  };
  expect(await open().project([state('ada')], INDEX)).toMatchObject(incomplete);
  expect(failed).toEqual([error]);
  away = true;
  const boards = open();
  expect(await boards.project([state('ada')], INDEX)).toMatchObject(incomplete);
  expect(await boards.ranks([state('ada')])).toEqual([undefined]);
  expect(boards.ready()).toBe(false);
  expect([streamed.length, asked.length]).toEqual([1, 0]);
});

it('projects states of the outbox in a call of its own, without an index, and rejects on failure', async () => {
  const boards = open();
  expect(await boards.bring([state('ada')])).toMatchObject([{ complete: true }]);
  expect(called).toMatchObject([{ boards: [{ userIds: ['ada'] }] }]);
  expect(called[0]?.index).toBeUndefined();
  answer = () => {
    throw new AppError('RANK_UNAVAILABLE');
  };
  await expect(boards.bring([state('ada')])).rejects.toMatchObject({ reason: 'RANK_UNAVAILABLE' });
});

it('reads the ranks of repeats by hundreds, and returns undefined where there is none', async () => {
  const players = [...Array.from({ length: 101 }, (_, at) => state(`p${at}`)), state('nobody')];
  const ranks = await open().ranks(players);
  expect(asked.map(({ queries = [] }) => queries.length)).toEqual([100, 2]);
  expect([ranks.length, ranks[0], ranks.at(-1)]).toEqual([102, 4, undefined]);
});

it('waits as long as its setting says for the states of submissions and for the ranks of repeats', async () => {
  const boards = open();
  await boards.project([state('ada')], INDEX);
  await boards.ranks([state('ada')]);
  expect(limits).toEqual([WAIT_MS, WAIT_MS]);
});
