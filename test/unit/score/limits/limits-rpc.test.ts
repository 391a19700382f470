import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { BoardLimitsSchema } from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { createLimitsRpc, parseLimits } from '../../../../services/score/limits/limits-rpc.ts';
import type { BoardLimits } from '../../../../services/score/limits/limits-store.ts';

const parse = (limits: MessageInitShape<typeof BoardLimitsSchema>) =>
  parseLimits(create(BoardLimitsSchema, limits));

describe('a rule', () => {
  it('is parsed with its unset fields as undefined', () => {
    expect(parse({ maxPoints: 0n })).toEqual({
      ...{ leaderboard: 'global', kind: '', maxPoints: 0n, windowMs: undefined },
      ...{ maxWindowPoints: undefined, maxWindowActions: undefined, minIntervalMs: undefined },
    });
    expect(
      parse({ leaderboard: 'arena', kind: 'boss', windowMs: 1_000n, maxWindowActions: 1n }),
    ).toMatchObject({ leaderboard: 'arena', kind: 'boss', windowMs: 1_000n, maxWindowActions: 1n });
  });

  it.each<[string, MessageInitShape<typeof BoardLimitsSchema>, string]>([
    ['a window that holds nothing', { windowMs: 1_000n }, 'LIMITS_INVALID'],
    ['points of no window', { maxWindowPoints: 5n }, 'LIMITS_INVALID'],
    ['a window too short', { windowMs: 999n, maxWindowActions: 1n }, 'LIMITS_INVALID'],
    ['a window too long', { windowMs: 2_678_400_001n, maxWindowActions: 1n }, 'LIMITS_INVALID'],
    ['a window without any action', { windowMs: 1_000n, maxWindowActions: 0n }, 'LIMITS_INVALID'],
    ['no time at all between actions', { minIntervalMs: 0n }, 'LIMITS_INVALID'],
    ['points beyond all scores', { maxPoints: 2n ** 53n }, 'POINTS_INVALID'],
    ['a kind that no action can have', { kind: 'big_boss', maxPoints: 1n }, 'LIMITS_INVALID'],
    ['a kind with a space', { kind: 'big boss', maxPoints: 1n }, 'ACTION_ID_INVALID'],
    ['a board that can not be', { leaderboard: 'a b', maxPoints: 1n }, 'LEADERBOARD_INVALID'],
  ])('with %s is refused', (_, limits, reason) => {
    expect(() => parse(limits)).toThrow(expect.objectContaining({ reason }));
  });
});

describe("an operator's change", () => {
  const context = { caller: 'cli', peer: () => '127.0.0.1:4711' } as never;

  /** Calls a method with stores in memory, and returns the lines that it logs: who, what, and the fields. */
  async function logged(method: string, request: object, rules: readonly BoardLimits[] = []) {
    const lines: [string, string, object][] = [];
    const rpc = createLimitsRpc({
      limits: {
        list: async () => [...rules],
        set: async () => true,
        quarantined: async () => [],
        quarantine: async () => 'changed',
        release: async () => true,
      },
      flags: { list: async () => [], count: async () => 0, clear: async () => 2 },
      onQuarantine: () => {},
      logAction: ({ caller }, action, fields) => void lines.push([caller, action, fields]),
    });
    await rpc.handlers[method]?.(request as never, context);
    return lines;
  }

  it('of limits is logged with the rule before and after', async () => {
    const rule = parse({ leaderboard: 'arena', maxPoints: 5n });
    const limits = create(BoardLimitsSchema, { leaderboard: 'arena', maxPoints: 9n });
    const what = { leaderboard: 'arena', kind: '' };
    const after = { ...rule, maxPoints: 9n };
    expect(await logged('setLimits', { limits })).toEqual([
      ['cli', 'limits set', { ...what, before: null, after }],
    ]);
    expect(await logged('setLimits', { limits }, [{ ...rule, kind: 'boss' }, rule])).toEqual([
      ['cli', 'limits set', { ...what, before: rule, after }],
    ]);
  });

  it.each([
    [
      'quarantinePlayer',
      { userId: 'bob' },
      'player quarantined',
      { player: 'bob', before: false, after: true },
    ],
    ['releasePlayer', { userId: 'bob' }, 'player released', { player: 'bob', before: true, after: false }],
    ['clearFlags', { userId: 'bob' }, 'flags cleared', { player: 'bob', cleared: 2 }],
    ['clearFlags', { userId: '' }, 'flags cleared', { player: 'all', cleared: 2 }],
  ])('%s %j is logged', async (method, request, action, fields) => {
    expect(await logged(method, request)).toEqual([['cli', action, fields]]);
  });

  it.each([
    ['listLimits', { leaderboard: '' }],
    ['listFlags', { limit: 0 }],
    ['listQuarantined', {}],
  ])('is none for %s', async (method, request) => {
    expect(await logged(method, request)).toEqual([]);
  });
});
