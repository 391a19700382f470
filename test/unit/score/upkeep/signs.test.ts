import { expect, it } from 'vitest';
import { createSigns, untilBeat } from '../../../../services/score/upkeep/signs.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';

const ROW = {
  ...{ pending: 3, dead: 1, oldest: 2.5, due: true },
  ...{ version: 7n, last_position: null as bigint | null, quarantine_due: true, read_only: false },
};

function create(row = ROW) {
  const state = { nowMs: 0, statements: 0, row };
  const pool = {
    async run<Rows>(): Promise<Rows> {
      state.statements += 1;
      return [state.row] as Rows;
    },
    checkWritable: async () => Promise.reject(new AppError('STORE_UNAVAILABLE')),
  };
  return { state, signs: createSigns(pool, () => state.nowMs) };
}

it('reads once for the loops of one beat, and anew for the next', async () => {
  const { state, signs } = create();
  expect(await signs.outboxDepth()).toEqual({ pending: 3, dead: 1, oldestSeconds: 2.5, isDue: true });
  state.nowMs = 99;
  expect(await signs.hasDueRows()).toBe(true);
  expect(await signs.limitsVersion()).toBe(7n);
  expect(await signs.lastPosition()).toBeUndefined();
  expect(await signs.hasQuarantineChanges()).toBe(true);
  expect(state.statements).toBe(1);
  state.row = { ...ROW, due: false, last_position: 2_000n };
  state.nowMs = 100;
  expect(await signs.hasDueRows()).toBe(false);
  expect(await signs.lastPosition()).toBe(2_000n);
  expect(state.statements).toBe(2);
});

it('tells of a Postgres that takes no writes, and still of the limits', async () => {
  const { signs } = create({ ...ROW, read_only: true });
  await expect(signs.outboxDepth()).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
  expect(await signs.limitsVersion()).toBe(7n);
});

it('lets loops run at the same moments, whenever their last run ended', () => {
  for (const endMs of [800, 801.5, 1_599]) expect(endMs + untilBeat(endMs)).toBe(1_600);
});
