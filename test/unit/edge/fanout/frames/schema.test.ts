/** docs/websocket.schema.json describes what the node writes and takes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../../../edge/fanout/frames/frame.ts';
import * as frames from '../../../../../edge/fanout/frames/frames.ts';
import { parseClientMessage } from '../../../../../edge/fanout/sockets/client-messages.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { faultsOf } from '../../../../support/json-schema.ts';

const file = new URL('../../../../../docs/websocket.schema.json', import.meta.url);
const schema = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> & {
  $defs: Record<string, Record<string, unknown>>;
};
const faults = (definition: string, value: unknown) =>
  faultsOf(schema, { $ref: `#/$defs/${definition}` }, value);

const board = {
  leaderboard: 'weekly',
  entries: [{ userId: 'ada', username: 'Ada', score: 10, rank: 1 }],
  ...{ epoch: 3, seq: 14, cause: undefined },
};
const own = { userId: 'kim', score: 4, rank: 31, version: 2 };

describe('the schema of the socket', () => {
  it.each<[string, Frame]>([
    ['snapshot', frames.snapshotFrame(board, false)],
    ['update', frames.updateFrame(board, { userId: 'ada', newScore: 10 }, true)],
    ['ownUpdate', frames.personalFrame(board, own, false)],
    ['ownUpdate', frames.personalFrame(board, { ...own, rank: undefined }, false)],
    ['stale', frames.staleFrame('weekly', true)],
    ['current', frames.currentFrame('weekly', board, false)],
    ['snapshot', frames.snapshotFrame({ ...board, size: 100 }, false)],
    ['update', frames.updateFrame({ ...board, size: 3 }, { userId: 'ada', newScore: 10 }, true)],
    ['ownUpdate', frames.personalFrame({ ...board, size: 50 }, own, false)],
    ['stale', frames.staleFrame('weekly', true, 3)],
    ['current', frames.currentFrame('weekly', board, false, 3)],
    ['players', frames.playersFrame('weekly', board.entries, false)],
    ['overtaken', frames.overtakenFrame('weekly', { ...own, username: 'Kim' }, board.entries)],
    ['pong', frames.pongFrame(undefined)],
    ['pong', frames.pongFrame('ada')],
    ['authenticated', frames.authenticatedFrame('ada', 1_796_000_400_000)],
    ['error', frames.errorFrame(new AppError('RATE_LIMITED'))],
    ['error', frames.errorFrame(new AppError('LEADERBOARD_INVALID'), 'not a board')],
  ])('describes the frame %s as the node writes it', (definition, frame) => {
    const value: unknown = JSON.parse(frame.text);
    expect(faults(definition, value)).toEqual([]);
    expect(faults('frame', value)).toEqual([]);
    expect(faults('frame', { ...(value as object), unknown: 1 })).not.toEqual([]);
  });

  it.each([
    { type: 'subscribe' },
    { type: 'subscribe', leaderboard: 'weekly' },
    { type: 'subscribe', leaderboard: 'weekly', epoch: 3, seq: 14 },
    { type: 'subscribe', leaderboard: 'weekly', size: 50 },
    { type: 'subscribe', leaderboard: 'weekly', players: ['ada', 'bob'] },
    { type: 'subscribe', leaderboard: 'weekly', players: [] },
    { type: 'unsubscribe', leaderboard: 'global' },
    { type: 'authenticate', token: 'a.b.c' },
    { type: 'ping' },
  ])('describes the message %j as the node takes it', (message) => {
    expect(parseClientMessage(message).type).toBe(message.type);
    expect(faults('message', message)).toEqual([]);
  });

  it.each([
    {},
    { type: 'subscribe', leaderboard: 7 },
    { type: 'subscribe', leaderboard: 'weekly', size: 20 },
    { type: 'subscribe', leaderboard: 'weekly', players: ['a b'] },
    { type: 'subscribe', leaderboard: 'weekly', players: Array(201).fill('ada') },
    { type: 'subscribe', leaderboard: 'weekly', size: '10' },
    { type: 'hello' },
    { type: 'ping', leaderboard: 'global' },
    { type: 'subscribe', leaderboard: 'not a board' },
    { type: 'authenticate', token: '' },
  ])('refuses the message %j as the node does', (message) => {
    expect(() => parseClientMessage(message)).toThrow(AppError);
    expect(faults('message', message)).not.toEqual([]);
  });
});
