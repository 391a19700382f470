import { afterEach, expect, it, vi } from 'vitest';
import { createErasePlayer } from '../../../../services/score/audit/erase-player.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('is tried again when another link took its number, and succeeds although rank is away', async () => {
  const taken: bigint[] = [];
  const erase = createErasePlayer({
    store: {
      subject: async () => Buffer.alloc(32, 1),
      erase: async (_, { seq }) => {
        taken.push(seq);
        return taken.length < 3 ? undefined : ['global'];
      },
    },
    audit: { head: async () => ({ seq: BigInt(taken.length), head: Buffer.alloc(32) }) },
    key: Buffer.alloc(32),
    forgetPlayer: () => Promise.reject(new Error('rank is away')),
    log: createSilentLog(),
  });
  expect((await erase('ada')).leaderboards).toEqual(['global']);
  expect(taken).toEqual([1n, 2n, 3n]);
});

it('waits for a rank that does not answer for some seconds, however many boards the player is on', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const boards = Array.from({ length: 10_000 }, (_, n) => `board-${n}`);
  const warn = vi.fn();
  let asked = 0;
  const erase = createErasePlayer({
    store: { subject: async () => Buffer.alloc(32, 1), erase: async () => boards },
    audit: { head: async () => ({ seq: 0n, head: Buffer.alloc(32) }) },
    key: Buffer.alloc(32),
    forgetPlayer: () => {
      asked += 1;
      return asked <= 100 ? Promise.resolve() : new Promise(() => {});
    },
    log: { ...createSilentLog(), warn } as never,
  });
  const erasing = erase('ada');
  await vi.advanceTimersByTimeAsync(5_000);
  expect((await erasing).leaderboards).toEqual(boards);
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ boards: boards.length - 100 }),
    expect.stringContaining('reconciliation will remove it'),
  );
});
