/** A frame has the same fields in both encodings and is encoded once; broadcasts and answers can be told apart. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Frame } from '../../../../../edge/fanout/frames/frame.ts';
import * as frames from '../../../../../edge/fanout/frames/frames.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { decodeServerFrame } from '../../../../support/clients/binary-frame.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const count = fc.maxSafeNat();
const leaderboard = fc.constantFrom('global', 'weekly');
const stale = fc.boolean();
const entry = fc.record({ userId: text, username: text, score: count, rank: count });
const board = fc.record({
  leaderboard,
  epoch: count,
  seq: count,
  entries: fc.array(entry, { maxLength: 10 }),
  cause: fc.constant(undefined),
  size: fc.constantFrom(undefined, 3 as const, 50 as const, 100 as const),
});
const cause = fc.record({ userId: text, newScore: count });
const player = fc.record({
  userId: text,
  score: count,
  rank: fc.option(count, { nil: undefined }),
  version: count,
});
const error = fc
  .tuple(fc.constantFrom('OVERLOADED', 'MESSAGE_INVALID', 'SUBSCRIPTION_LIMIT_REACHED'), text)
  .map(([reason, message]) => new AppError(reason, { message }));

const broadcasts = fc.oneof(
  fc.tuple(board, stale).map((of) => frames.snapshotFrame(...of)),
  fc.tuple(board, cause, stale).map((of) => frames.updateFrame(...of)),
  fc.tuple(leaderboard, stale, fc.constantFrom(undefined, 3 as const)).map((of) => frames.staleFrame(...of)),
);
const answers = fc.oneof(
  fc.option(text, { nil: undefined }).map(frames.pongFrame),
  fc.tuple(text, count).map((of) => frames.authenticatedFrame(...of)),
  fc.tuple(error, fc.option(leaderboard, { nil: undefined })).map((of) => frames.errorFrame(...of)),
);
const others = fc.oneof(
  fc.tuple(leaderboard, entry, fc.array(entry)).map((of) => frames.overtakenFrame(...of)),
  fc.tuple(leaderboard, fc.array(entry), stale).map((of) => frames.playersFrame(...of)),
  fc.tuple(board, player, stale).map((of) => frames.personalFrame(...of)),
  fc
    .tuple(leaderboard, board, stale, fc.constantFrom(undefined, 3 as const))
    .map((of) => frames.currentFrame(...of)),
);

function isBroadcast(frame: Frame, isBinary: boolean): boolean {
  const bytes = isBinary ? frame.bytes : Buffer.from(frame.text);
  return frames.isBroadcast(Uint8Array.from(bytes).buffer, isBinary);
}

afterEach(() => vi.restoreAllMocks());

describe('a frame', () => {
  it('has the same fields in both encodings', () => {
    fc.assert(
      fc.property(fc.oneof(broadcasts, answers, others), (frame) => {
        expect(decodeServerFrame(frame.bytes)).toEqual(JSON.parse(frame.text));
      }),
    );
  });

  it('is encoded on first use, and once', () => {
    const stringify = vi.spyOn(JSON, 'stringify');
    const frame = frames.staleFrame('global', true);
    const { bytes } = frame;
    expect(frame.bytes).toBe(bytes);
    expect(stringify).not.toHaveBeenCalled();
    expect(frame.text).toBe(frame.text);
    expect(stringify).toHaveBeenCalledTimes(1);
  });

  it.each([true, false])('is a broadcast or an answer; binary: %s', (isBinary) => {
    fc.assert(fc.property(broadcasts, (frame) => isBroadcast(frame, isBinary)));
    fc.assert(fc.property(answers, (frame) => !isBroadcast(frame, isBinary)));
  });

  it('is no broadcast if it is a pong, which repeats the text of its ping', () => {
    const { bytes } = frames.staleFrame('global', true);
    expect(frames.isBroadcast(Uint8Array.from(bytes).buffer, false)).toBe(false);
    expect(frames.isBroadcast(new ArrayBuffer(0), true)).toBe(false);
  });
});
