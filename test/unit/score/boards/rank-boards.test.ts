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
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { IndexState, PlayerState } from '../../../../services/shared/values/board.ts';

type Projection = MessageInitShape<typeof ProjectStatesRequestSchema>;
type Places = MessageInitShape<typeof GetPlacesRequestSchema>;

const INDEX: IndexState = { epoch: 7n, source: 'redis', building: 8n };
const state = (userId: string, leaderboard = 'global'): PlayerState => ({
  ...{ leaderboard, userId, username: `Name of ${userId}` },
  ...{ points: 5n, version: 2n, reached: 1001n },
});

let streamed: Projection[];
let called: Projection[];
let asked: Places[];
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
  [streamed, called, asked, failed, away] = [[], [], [], [], false];
  answer = boardsAnswered;
});

function open() {
  const projecting = (requests: Projection[]) => async (request: Projection) => {
    requests.push(request);
    return create(ProjectStatesResponseSchema, answer(request));
  };
  return createRankBoards({
    stream: { projectStates: projecting(streamed) },
    calls: {
      projectStates: projecting(called),
      async getPlaces(request: Places) {
        asked.push(request);
        const outcomes = (request.queries ?? []).map(({ userId = '' }) =>
          userId === 'nobody'
            ? { result: { case: 'refused' as const, value: { reason: 'PLAYER_NOT_FOUND' } } }
            : { result: { case: 'place' as const, value: { entry: { userId, rank: 4n } } } },
        );
        return create(GetPlacesResponseSchema, { outcomes });
      },
    },
    watch: { isAway: () => away, onFailed: (error) => failed.push(error) },
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
          ...{ points: [5n, 5n], versions: [2n, 2n], reached: [1001n, 1001n] },
        },
        {
          ...{ leaderboard: 'weekly', userIds: ['bob'], usernames: ['Name of bob'] },
          ...{ points: [5n], versions: [2n], reached: [1001n] },
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

it('tells the board when it is news, and neither ranks nor a position that rank does not know', async () => {
  const top = [{ userId: 'ada', username: 'Ada', score: 5n, rank: 1n }];
  answer = () => ({ boards: [{ ranks: [1], epoch: 7n, seq: 4n, top, complete: true }] });
  expect(await open().project([state('ada')], INDEX)).toMatchObject([
    { board: { epoch: 7n, seq: 4n, entries: [{ userId: 'ada', score: 5n, rank: 1 }] } },
  ]);
  answer = () => ({ boards: [{ complete: false }] });
  expect(await open().project([state('ada')], INDEX)).toMatchObject([
    { ranks: undefined, board: undefined, position: undefined, complete: false },
  ]);
});

it('calls it incomplete when rank does not answer, and sends nothing while it is known to be away', async () => {
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
  expect(await boards.ranks([state('ada')])).toEqual([0]);
  expect(boards.ready()).toBe(false);
  expect([streamed.length, asked.length]).toEqual([1, 0]);
});

it('brings what the outbox held by a call of its own that names no index, and fails aloud', async () => {
  const boards = open();
  expect(await boards.bring([state('ada')])).toMatchObject([{ complete: true }]);
  expect(called).toMatchObject([{ boards: [{ userIds: ['ada'] }] }]);
  expect(called[0]?.index).toBeUndefined();
  answer = () => {
    throw new AppError('RANK_UNAVAILABLE');
  };
  await expect(boards.bring([state('ada')])).rejects.toMatchObject({ reason: 'RANK_UNAVAILABLE' });
});

it('asks for the ranks of repeats by hundreds, and says 0 where there is none', async () => {
  const players = [...Array.from({ length: 101 }, (_, at) => state(`p${at}`)), state('nobody')];
  const ranks = await open().ranks(players);
  expect(asked.map(({ queries = [] }) => queries.length)).toEqual([100, 2]);
  expect([ranks.length, ranks[0], ranks.at(-1)]).toEqual([102, 4, 0]);
});
