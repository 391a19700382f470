import { expect, it } from 'vitest';
import type { Projection } from '../../../../services/rank/index/rank-index.ts';
import { createProjector, type ProjectorOptions } from '../../../../services/rank/project/projector.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { IndexState, PlayerState } from '../../../../services/shared/values/board.ts';

const ada: PlayerState = {
  ...{ leaderboard: 'global', userId: 'ada', username: 'ada', points: 5n, version: 1n, reached: 1001n },
};

/** An index that answers a live write so, and remembers where it was written to. */
function projectorOf(answer: Projection | undefined, takesShadow = true) {
  const written: string[] = [];
  let doubts = 0;
  const options = {
    index: {
      project: async (epoch: bigint) => {
        written.push(`live ${epoch}`);
        return answer;
      },
      projectShadow: async (epoch: bigint) => {
        written.push(`shadow ${epoch}`);
        return takesShadow;
      },
    },
    truthBoards: {},
    known: {
      doubt: () => {
        doubts += 1;
      },
    },
    log: createSilentLog(),
  };
  // Nothing else is asked while boards are read from Redis.
  const projector = createProjector(options as unknown as ProjectorOptions);
  return { projector, written, doubts: () => doubts };
}

const state = (change: Partial<IndexState> = {}): IndexState => ({
  ...{ epoch: 2n, source: 'redis', building: undefined },
  ...change,
});

const ANSWER = { position: { epoch: 2n, seq: 1n }, ranks: [1], board: undefined };

it('writes to the epoch that counts and to the one that is being built', async () => {
  const { projector, written } = projectorOf(ANSWER);
  expect(await projector.project('global', [ada], state({ building: 3n }))).toMatchObject({
    ...{ complete: true, ranks: [1] },
  });
  expect(written.sort()).toEqual(['live 2', 'shadow 3']);
});

it('still writes to an epoch that was just finished and is not pointed to yet, but does not call it done', async () => {
  const { projector, written, doubts } = projectorOf(undefined);
  expect(await projector.project('global', [ada], state())).toMatchObject({ complete: false });
  expect(written).toEqual(['live 2', 'shadow 2']);
  expect(doubts()).toBe(1);
});

it('does not call it done when the epoch being built was overtaken meanwhile', async () => {
  const { projector } = projectorOf(ANSWER, false);
  expect(await projector.project('global', [ada], state({ building: 3n }))).toMatchObject({
    complete: false,
  });
});

it('takes a board from Postgres as complete only while boards are read from there', async () => {
  const entries = [{ userId: 'ada', username: 'ada', score: 5n, rank: 1 }];
  const reading = { position: { epoch: 2n, seq: 7n }, entries };
  const project = (position: typeof reading.position | undefined) => {
    const options = {
      truthBoards: { fresh: async () => ({ position, entries }) },
      known: { doubt: () => {} },
      log: createSilentLog(),
    };
    const projector = createProjector(options as unknown as ProjectorOptions);
    return projector.project('global', [ada], state({ source: 'postgres' }));
  };
  expect(await project(reading.position)).toMatchObject({ board: reading, ranks: undefined, complete: true });
  expect(await project(undefined)).toMatchObject({ board: undefined, complete: false });
});
