/** The crowd against an edge and an auth service that answer what the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Action,
  IssueTokenResponseSchema,
  SignActionsResponseSchema,
} from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createCrowd } from '../../../../services/game/simulate/crowd.ts';
import { createScorePoster } from '../../../../services/game/simulate/post-score.ts';
import { simulate } from '../../../../services/game/simulate/simulate.ts';
import { createTally } from '../../../../services/game/simulate/tally.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';

const ACTION = { token: 'token', actionId: 'a1', points: 7, signature: 'signature' };
const never = new AbortController().signal;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Reply = (response: ServerResponse, request: IncomingMessage) => void;
const status =
  (code: number, body: object = {}, headers: Record<string, string> = {}): Reply =>
  (response) =>
    response.writeHead(code, headers).end(JSON.stringify(body));
const cut: Reply = (_, request) => request.socket.destroy();

/** An edge that gives these replies in turn, and the last one from then on. */
async function openEdge(...replies: Reply[]) {
  return openEdgeWith(() => 0, ...replies);
}

/** `random` is asked at the beginning of each wait. */
async function openEdgeWith(random: () => number, ...replies: Reply[]) {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      heard.push(`${request.url} ${request.headers.authorization} ${body}`);
      const reply = replies[Math.min(heard.length, replies.length) - 1];
      reply?.(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const edgeUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const poster = createScorePoster({ edgeUrl, leaderboard: 'weekly', random });
  closers.push(() => {
    poster.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { heard, poster };
}

function openAuth({ lifetimeMs = 600_000, fails = false } = {}) {
  const issued: string[] = [];
  const signed: Action[][] = [];
  const auth = {
    async issueToken({ userId = '' }: { userId?: string }) {
      if (fails) throw new AppError('AUTH_UNAVAILABLE');
      issued.push(userId);
      const expiresAt = timestampFromMs(1_000_000 + lifetimeMs);
      return create(IssueTokenResponseSchema, { accessToken: `token of ${userId}`, expiresAt });
    },
    async signActions({ actions = [] }: { actions?: unknown[] }) {
      signed.push(actions as Action[]);
      return create(SignActionsResponseSchema, {
        signatures: (actions as Action[]).map(({ actionId }) => ({ signature: `signature of ${actionId}` })),
      });
    },
  };
  const crowd = createCrowd({
    auth,
    players: 3,
    leaderboard: 'weekly',
    clock: { now: () => 1_000_000 },
    random: Math.random,
  });
  closers.push(() => crowd.close());
  return { crowd, issued, signed };
}

describe('sending an action', () => {
  test.each([
    ['429', status(429, { reason: 'RATE_LIMITED' })],
    ['503', status(503, { reason: 'STORE_UNAVAILABLE' })],
    ['504', status(504, { reason: 'DEADLINE_EXCEEDED' })],
    ['a lost connection', cut],
  ])('is repeated unchanged after %s until it is accepted', async (_, failure) => {
    const { heard, poster } = await openEdge(failure, failure, status(200, { newScore: 7, rank: 1 }));
    expect(await poster.post(ACTION, never)).toMatchObject({ accepted: true });
    expect(heard).toHaveLength(3);
    expect(new Set(heard).size).toBe(1);
    expect(heard[0]).toBe(
      '/api/v1/score/update Bearer token {"leaderboard":"weekly","actionId":"a1","points":7,"signature":"signature"}',
    );
  });

  test.each([
    [400, { reason: 'POINTS_INVALID' }, 'POINTS_INVALID'],
    [401, { reason: 'TOKEN_INVALID' }, 'TOKEN_INVALID'],
    [409, { reason: 'ACTION_CONFLICT' }, 'ACTION_CONFLICT'],
    [500, {}, 'HTTP_500'],
  ])('is not repeated after %i', async (code, body, reason) => {
    const { heard, poster } = await openEdge(status(code, body));
    expect(await poster.post(ACTION, never)).toEqual({ accepted: false, reason });
    expect(heard).toHaveLength(1);
  });

  test('waits as long as the edge asks, and not beyond the end of the run', async () => {
    const end = new AbortController();
    const endWhileItWaits = () => {
      setImmediate(() => end.abort());
      return 0;
    };
    const { heard, poster } = await openEdgeWith(
      endWhileItWaits,
      status(503, { reason: 'SHUTTING_DOWN' }, { 'retry-after': '3600' }),
    );
    expect(await poster.post(ACTION, end.signal)).toEqual({ accepted: false, reason: 'SHUTTING_DOWN' });
    expect(heard).toHaveLength(2);
  });
});

describe('the crowd', () => {
  test('signs each player in once, and what is earned at the same time in one batch', async () => {
    const { crowd, issued, signed } = openAuth();
    const actions = await Promise.all(Array.from({ length: 50 }, () => crowd.earn()));
    expect(issued.length).toBe(new Set(issued).size);
    expect(issued.length).toBeLessThanOrEqual(3);
    expect(signed).toHaveLength(1);
    expect(new Set(actions.map(({ actionId }) => actionId)).size).toBe(50);
    for (const [index, { token, actionId, points, signature }] of actions.entries()) {
      const action = signed[0]?.[index];
      expect(action).toMatchObject({ leaderboard: 'weekly', actionId, points: BigInt(points) });
      expect(token).toBe(`token of ${action?.userId}`);
      expect(signature).toBe(`signature of ${actionId}`);
    }
  });

  test('renews a token before it runs out', async () => {
    const { crowd, issued } = openAuth({ lifetimeMs: 59_000 });
    for (let index = 0; index < 5; index += 1) await crowd.earn();
    expect(issued).toHaveLength(5);
  });
});

describe('a run', () => {
  test('keeps to its rate and its time, and counts everything that it started', async () => {
    const { crowd } = openAuth();
    const { heard, poster } = await openEdge(status(200));
    const lines: string[] = [];
    const print = (line: string) => lines.push(line);
    const totals = await simulate({ crowd, poster, rate: 5, seconds: 1, signal: never, print });
    expect(totals).toEqual({ accepted: heard.length, refused: 0 });
    expect(heard.length).toBeGreaterThanOrEqual(3);
    expect(heard.length).toBeLessThanOrEqual(5);
    expect(lines.at(-1)).toContain(`${heard.length} accepted`);
  });

  test('ends when it is stopped, with a summary of the answers that came', async () => {
    const { crowd } = openAuth();
    const stop = new AbortController();
    const { poster } = await openEdge((response) => {
      stop.abort();
      response.writeHead(403).end('{"reason":"SIGNATURE_INVALID"}');
    });
    const lines: string[] = [];
    const totals = await simulate({
      crowd,
      poster,
      rate: 100,
      seconds: Number.POSITIVE_INFINITY,
      signal: stop.signal,
      print: (line) => lines.push(line),
    });
    expect(totals.accepted).toBe(0);
    expect(lines.at(-1)).toContain(`${totals.refused} refused: SIGNATURE_INVALID`);
  });

  test('says why when nobody signs', async () => {
    const { crowd } = openAuth({ fails: true });
    const { heard, poster } = await openEdge(status(200));
    const lines: string[] = [];
    const print = (line: string) => lines.push(line);
    const totals = await simulate({ crowd, poster, rate: 20, seconds: 1, signal: never, print });
    expect(totals.accepted).toBe(0);
    expect(heard).toEqual([]);
    expect(lines.at(-1)).toContain(`${totals.refused} refused: AUTH_UNAVAILABLE`);
  });
});

describe('the lines for a person', () => {
  test('say what was accepted and refused, what is under way, and how long it took', () => {
    const tally = createTally();
    for (let latencyMs = 1; latencyMs <= 100; latencyMs += 1) tally.count({ accepted: true, latencyMs });
    tally.count({ accepted: false, reason: 'NETWORK' });
    expect(tally.line(2, 4)).toBe('    2 s  accepted 100  refused 1  in flight 4  p50 51.0 ms  p95 96.0 ms');
    expect(tally.line(3, 0)).toContain('p50 –  p95 –');
    expect(tally.summary(2)).toBe(
      '100 accepted in 2.0 s (50/s), p50 51.0 ms  p95 96.0 ms\n1 refused: NETWORK',
    );
  });
});
