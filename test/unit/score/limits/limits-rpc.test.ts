import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { BoardLimitsSchema } from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { parseLimits } from '../../../../services/score/limits/limits-rpc.ts';

const parse = (limits: MessageInitShape<typeof BoardLimitsSchema>) =>
  parseLimits(create(BoardLimitsSchema, limits));

describe('a rule', () => {
  it('is read with what it leaves open', () => {
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
