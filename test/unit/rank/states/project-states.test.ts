import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { ProjectStatesRequestSchema } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createProjectStates } from '../../../../services/rank/states/project-states.ts';
import {
  parseIndex,
  parseStates,
  toProjectedBoard,
} from '../../../../services/rank/states/states-on-the-wire.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { IndexState, PlayerState, Projected } from '../../../../services/shared/values/board.ts';

const ada: PlayerState = {
  ...{ leaderboard: 'global', userId: 'ada', username: 'Ada', points: 5n, version: 1n, reached: 1001n },
};
const BOARDS = [{ leaderboard: 'global', players: [ada] }];
const GIVEN: IndexState = { epoch: 7n, source: 'redis', building: 8n };
const FRESH: IndexState = { epoch: 9n, source: 'redis', building: undefined };

let told: string[];
let ranks: readonly number[] | undefined;
let isSilent: boolean;
let counting: Promise<{ rank: number; players: number }[]>;

beforeEach(() => {
  [told, ranks, isSilent, counting] = [[], [1], false, Promise.resolve([{ rank: 3, players: 9 }])];
});

const projectStates = createProjectStates({
  projector: {
    async project(leaderboard, players, { epoch }) {
      told.push(`project ${epoch}`);
      if (isSilent) await new Promise(() => {});
      const nothing = { board: undefined, position: undefined };
      return { leaderboard, players, ranks, ...nothing, complete: true } satisfies Projected;
    },
  },
  truthRanks: {
    of(_, players) {
      told.push(`count ${players.length}`);
      return counting;
    },
  },
  known: { observe: ({ epoch }) => told.push(`observe ${epoch}`) },
  keeper: {
    async fresh() {
      told.push('read');
      return FRESH;
    },
  },
  reconciler: { note: (players) => told.push(`note ${players.length}`) },
  log: createSilentLog(),
});

describe('projecting states', () => {
  it('goes by the index that the commit read, and learns of it', async () => {
    expect(await projectStates(BOARDS, GIVEN, Deadline.after(500))).toMatchObject([
      { ranks: [1], complete: true },
    ]);
    expect(told).toEqual(['observe 7', 'project 7', 'note 1']);
  });

  it('reads which index counts if the request does not say, and counts no ranks then', async () => {
    ranks = undefined;
    expect(await projectStates(BOARDS, undefined, Deadline.after(2_000))).toMatchObject([
      { ranks: undefined },
    ]);
    expect(told).toEqual(['read', 'project 9', 'note 1']);
  });

  it('answers an empty request without reading anything, so that it serves as a probe', async () => {
    expect(await projectStates([], undefined, Deadline.after(500))).toEqual([]);
    expect(told).toEqual([]);
  });

  it('does not wait for a silent index longer than leaves time to count, and calls it incomplete', async () => {
    isSilent = true;
    expect(await projectStates(BOARDS, GIVEN, Deadline.after(150))).toMatchObject([
      { ranks: [3], complete: false },
    ]);
    expect(told).toEqual(['observe 7', 'project 7', 'note 1', 'count 1']);
  });

  it('answers a caller without a deadline', async () => {
    expect(await projectStates(BOARDS, GIVEN, Deadline.never)).toMatchObject([{ ranks: [1] }]);
  });

  it('counts the ranks that the index can not tell, as long as the caller waits', async () => {
    ranks = undefined;
    expect(await projectStates(BOARDS, GIVEN, Deadline.after(500))).toMatchObject([
      { ranks: [3], complete: true },
    ]);
    counting = new Promise(() => {});
    expect(await projectStates(BOARDS, GIVEN, Deadline.after(100))).toMatchObject([
      { ranks: undefined, complete: true },
    ]);
    told = [];
    await projectStates(BOARDS, GIVEN, Deadline.after(10));
    expect(told).not.toContain('count 1');
  });
});

describe('states on the wire', () => {
  const board = {
    ...{ leaderboard: 'weekly', userIds: ['ada', 'bob'], usernames: ['Ada', 'Bob'] },
    ...{ points: [5n, 6n], versions: [1n, 2n], reached: [1001n, 1002n] },
  };
  const parse = (boards: MessageInitShape<typeof ProjectStatesRequestSchema>['boards']) =>
    parseStates(create(ProjectStatesRequestSchema, { boards: boards ?? [] }));
  const reasonOf = (act: () => unknown) => {
    try {
      return act();
    } catch (error) {
      return error instanceof AppError ? error.reason : error;
    }
  };

  it('become one object per player', () => {
    expect(parse([board])).toEqual([
      {
        leaderboard: 'weekly',
        players: [
          { ...ada, leaderboard: 'weekly' },
          {
            ...{ leaderboard: 'weekly', userId: 'bob', username: 'Bob' },
            ...{ points: 6n, version: 2n, reached: 1002n },
          },
        ],
      },
    ]);
    const index = { epoch: 7n, inRedis: false, building: 0n };
    expect(parseIndex(create(ProjectStatesRequestSchema, { index }).index)).toEqual({
      ...{ epoch: 7n, source: 'postgres', building: undefined },
    });
    expect(parseIndex(undefined)).toBeUndefined();
  });

  it('are refused with lists of different lengths, a board without players, too many players, or malformed ids', () => {
    const many = Array.from({ length: 501 }, (_, at) => `p${at}`);
    const numbers = many.map(() => 1n);
    const crowd = {
      ...{ leaderboard: 'weekly', userIds: many, usernames: many },
      ...{ points: numbers, versions: numbers, reached: numbers },
    };
    for (const list of ['usernames', 'points', 'versions', 'reached'] as const) {
      for (const other of [board[list].slice(1), [...board[list], ...board[list]]]) {
        expect(reasonOf(() => parse([{ ...board, [list]: other }]))).toBe('BATCH_SIZE_INVALID');
      }
    }
    expect(reasonOf(() => parse([{ leaderboard: 'weekly' }]))).toBe('BATCH_SIZE_INVALID');
    expect(reasonOf(() => parse([crowd]))).toBe('BATCH_SIZE_INVALID');
    expect(reasonOf(() => parse([{ ...board, userIds: ['a b', 'c'] }]))).toBe('USER_ID_INVALID');
    expect(reasonOf(() => parse([{ ...board, leaderboard: '*' }]))).toBe('LEADERBOARD_INVALID');
    expect(reasonOf(() => parse([{ ...board, points: [2n ** 53n, 1n] }]))).toBe('POINTS_INVALID');
  });

  it('say nothing of ranks and a position that are not known', () => {
    const nothing = { ranks: undefined, board: undefined, position: undefined };
    expect(toProjectedBoard({ leaderboard: 'weekly', players: [ada], ...nothing, complete: false })).toEqual({
      ...{ ranks: [], epoch: 0n, seq: 0n, top: [], complete: false, emptied: false },
    });
  });
});
