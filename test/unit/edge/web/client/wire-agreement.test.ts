import { describe, expect, it } from 'vitest';
import { CLOSE, mayComeBack } from '../../../../../edge/fanout/frames/close-codes.ts';
import * as frames from '../../../../../edge/fanout/frames/frames.ts';
import { parseClientMessage, readMessage } from '../../../../../edge/fanout/sockets/client-messages.ts';
import { parseHandshake } from '../../../../../edge/fanout/sockets/handshake.ts';
import { parseFrame } from '../../../../../edge/web/client/frames.ts';
import { afterClose } from '../../../../../edge/web/client/reconnect.ts';
import { ScoreboardLink } from '../../../../../edge/web/client/scoreboard-link.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { parseOrigins } from '../../../../../services/shared/http/origins.ts';
import { createFakeWorld } from './fake-socket.ts';

const board = {
  leaderboard: 'weekly',
  entries: [{ userId: 'ada', username: 'Ada', score: 10, rank: 1 }],
  epoch: 3,
  seq: 14,
  cause: undefined,
};

describe('the page and the fan-out node speak the same language:', () => {
  it.each(Object.entries(CLOSE))('both read close code %s the same way', (_name, { code, reason }) => {
    const after = afterClose({ code, reason }, 0, Math.random);
    // The page comes back without the refused token.
    const ofToken: readonly number[] = [CLOSE.TOKEN_EXPIRED.code, CLOSE.TOKEN_TOO_LARGE.code];
    expect(after.next).toBe(mayComeBack(code) || ofToken.includes(code) ? 'retry' : 'stop');
  });

  it('the page reads every frame that the node writes', () => {
    const { leaderboard: leaderboardId, entries, epoch, seq } = board;
    const read = { leaderboardId, entries, epoch, seq, stale: true };
    const anonymous = { kind: 'board', board: read, standing: undefined, size: 10 };
    expect(parseFrame(frames.snapshotFrame(board, true).text)).toEqual(anonymous);
    expect(parseFrame(frames.updateFrame(board, { userId: 'ada', newScore: 10 }, true).text)).toEqual(
      anonymous,
    );
    const player = { userId: 'ada', score: 10, rank: undefined, version: 4 };
    expect(parseFrame(frames.personalFrame(board, player, false).text)).toMatchObject({
      standing: { ...player, rank: null },
    });
    expect(parseFrame(frames.staleFrame('weekly', true).text)).toEqual({
      kind: 'freshness',
      leaderboardId: 'weekly',
      stale: true,
      size: 10,
    });
    expect(parseFrame(frames.snapshotFrame({ ...board, size: 50 }, true).text)).toMatchObject({ size: 50 });
    expect(parseFrame(frames.staleFrame('weekly', true, 3).text)).toMatchObject({ size: 3 });
    expect(parseFrame(frames.currentFrame('weekly', board, false).text)).toMatchObject({ kind: 'freshness' });
    expect(parseFrame(frames.pongFrame(undefined).text)).toEqual({ kind: 'sign-of-life' });
    expect(parseFrame(frames.authenticatedFrame('ada', 1).text)).toEqual({ kind: 'sign-of-life' });
    expect(parseFrame(frames.errorFrame(new AppError('OVERLOADED')).text)).toMatchObject({
      kind: 'error',
      reason: 'OVERLOADED',
    });
  });

  it('the node understands the handshake and every message of the page', async () => {
    const world = createFakeWorld();
    let token = 'eyJh.b.c';
    const link = new ScoreboardLink(
      { url: 'ws://127.0.0.1:1/live', leaderboard: 'weekly', token: () => token },
      world.ports,
    );
    await Promise.resolve();
    await Promise.resolve();
    const socket = world.socket();
    const request = {
      query: 'epoch=3&seq=14',
      headers: new Map([
        ['origin', 'http://a'],
        ['sec-websocket-protocol', socket.protocols.join(', ')],
        ['upgrade', 'websocket'],
        ['connection', 'Upgrade'],
        ['sec-websocket-version', '13'],
        ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ]),
    };
    expect(parseHandshake(request, parseOrigins({ ALLOWED_ORIGINS: 'http://a' }, 8080))).toEqual({
      protocol: 'scoreboard.v1',
      token,
      resume: { epoch: 3, seq: 14 },
    });
    socket.server.opened();
    world.wake();
    token = 'eyJh.b.d';
    await link.renewToken();
    link.close();
    const types = socket.sent.map((message) => parseClientMessage(readMessage(JSON.stringify(message))).type);
    expect(types).toEqual(['subscribe', 'unsubscribe', 'ping', 'authenticate']);
  });
});
