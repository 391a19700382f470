import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { createBoardList } from '../../../../../edge/http/boards/board-list.ts';
import { ListBoardsResponseSchema } from '../../../../../gen/scoreboard/score/v1/boards_pb.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';

function start() {
  const asked: unknown[] = [];
  const state = { nowMs: 0, isAway: false, names: ['laps'] };
  const list = createBoardList({
    boards: {
      async listBoards(request) {
        asked.push(request);
        if (state.isAway) throw new AppError('SCORE_UNAVAILABLE');
        const boards = state.names.map((name) => ({
          name,
          operator: 'best',
          order: 'ascending',
          decimals: 3,
          unit: 's',
        }));
        return create(ListBoardsResponseSchema, { boards });
      },
    },
    monotonicMs: () => state.nowMs,
  });
  const names = async () => (await list.get()).leaderboards.map(({ name }) => name);
  return { list, asked, state, names };
}

it('has the open boards with their settings, as JSON too', async () => {
  const { list, asked } = start();
  const { leaderboards, json } = await list.get();
  expect(asked).toEqual([{ openOnly: true, limit: 1_000 }]);
  expect(leaderboards).toEqual([
    { name: 'laps', operator: 'best', order: 'ascending', decimals: 3, unit: 's' },
  ]);
  expect(JSON.parse(json)).toEqual({ leaderboards });
});

it('is read once for all who ask at the same time, and again after a second', async () => {
  const { asked, state, names } = start();
  await Promise.all([names(), names(), names()]);
  expect(asked).toHaveLength(1);
  state.names = ['laps', 'points'];
  state.nowMs = 999;
  expect(await names()).toEqual(['laps']);
  state.nowMs = 1_000;
  expect(await names()).toEqual(['laps', 'points']);
  expect(asked).toHaveLength(2);
});

it('is the last one while score does not answer, and refused if there is none', async () => {
  const { asked, state, names } = start();
  state.isAway = true;
  await expect(names()).rejects.toMatchObject({ reason: 'SCORE_UNAVAILABLE' });
  state.isAway = false;
  expect(await names()).toEqual(['laps']);
  state.isAway = true;
  state.nowMs = 5_000;
  expect(await names()).toEqual(['laps']);
  expect(await names()).toEqual(['laps']);
  expect(asked).toHaveLength(3);
});
