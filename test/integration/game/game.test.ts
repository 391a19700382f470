/** The demo game server as its players meet it, before a real auth service. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ActionVerdict_Status as Status } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { CELLS, TARGETS_PER_ROUND } from '../../../services/game/rounds/round.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type GameWorld, startGameWorld, type TestPlayer } from '../../support/worlds/game-world.ts';

const SOON = { limitMs: 30_000 };

let world: GameWorld;
beforeAll(async () => {
  world = await startGameWorld();
});
afterAll(() => world.stop());

interface Action {
  actionId: string;
  points: number;
  signature: string;
}

async function startRound(player: TestPlayer): Promise<{ roundId: string; cell: number }> {
  const { status, body } = await world.post('/v1/rounds', player.accessToken);
  expect(status).toBe(201);
  return body;
}

async function verdictOn(
  { actionId, points, signature }: Action,
  userId: string,
): Promise<Status | undefined> {
  const action = { leaderboard: 'global', userId, actionId, points: BigInt(points) };
  const { verdicts } = await world.authWorld
    .as('score')
    .verifyActions({ actions: [{ action, signature }] }, SOON);
  return verdicts[0]?.status;
}

describe('signing in', () => {
  test('creates a player of the chosen name with a token that auth accepts', async () => {
    const { status, body } = await world.post('/v1/players', undefined, { username: 'Älice 🎮' });
    expect(status).toBe(201);
    expect(Object.keys(body).sort()).toEqual(['accessToken', 'expiresAt', 'userId', 'username']);
    expect(body.userId).toMatch(/^p_[A-Za-z0-9_-]{16}$/);
    expect(body.username).toBe('Älice 🎮');
    expect(new Date(body.expiresAt).toISOString()).toBe(body.expiresAt);
    const { accessToken, userId } = body;
    expect(await world.authWorld.as('edge').verifyToken({ accessToken }, SOON)).toMatchObject({
      userId,
      username: 'Älice 🎮',
    });
  });

  test('gives each player a new user id, whatever name or id the request has', async () => {
    const wish = { username: 'Ann', userId: 'p_0123456789abcdef' };
    const answers = await Promise.all([wish, wish].map((body) => world.post('/v1/players', undefined, body)));
    const ids = answers.map(({ body }) => body.userId);
    expect(new Set([...ids, wish.userId]).size).toBe(3);
  });

  test('renews the token of the same player', async () => {
    const player = await world.player('Ben');
    const { status, body } = await world.post('/v1/players/refresh', player.accessToken);
    expect(status).toBe(200);
    expect(body).toMatchObject({ userId: player.userId, username: 'Ben' });
    expect(body.accessToken).not.toBe(player.accessToken);
    expect((await world.post('/v1/rounds', body.accessToken)).status).toBe(201);
  });
});

describe('a hit', () => {
  let player: TestPlayer;
  beforeEach(async () => {
    player = await world.player();
  });

  test('earns an action whose signature is valid for exactly this player, action and number of points', async () => {
    const other = await world.player();
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += 400;
    const { status, body } = await world.hit(player, roundId, { cell });
    expect(status).toBe(200);
    expect(body).toMatchObject({ target: 0, hit: true, reactionMs: 400, remaining: TARGETS_PER_ROUND - 1 });
    expect(body.next).toMatchObject({ target: 1, expiresInMs: 3_000 });
    const { action } = body;
    expect(action.points).toBeGreaterThan(0);
    expect(await verdictOn(action, player.userId)).toBe(Status.VALID);
    expect(await verdictOn(action, other.userId)).toBe(Status.INVALID);
    expect(await verdictOn({ ...action, points: action.points + 1 }, player.userId)).toBe(Status.INVALID);
    expect(await verdictOn({ ...action, actionId: `${action.actionId}0` }, player.userId)).toBe(
      Status.INVALID,
    );
  });

  test.each([
    ['on another cell', 1, 400],
    ['quicker than any person', 0, 99],
    ['too late', 0, 3_001],
  ])('earns nothing %s, and the round goes on', async (_, off, afterMs) => {
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += afterMs;
    const { status, body } = await world.hit(player, roundId, { cell: (cell + off) % CELLS });
    expect(status).toBe(200);
    expect(body).toMatchObject({ hit: false, reactionMs: afterMs, action: null, next: { target: 1 } });
  });

  test('counts once if it arrives many times at once', async () => {
    const signedBefore = await world.metric('game_actions_signed_total{service="game"}');
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += 400;
    const hits = Array.from({ length: 20 }, () => world.hit(player, roundId, { cell, target: 0 }));
    const answers = (await Promise.all(hits)).map(({ body }) => body);
    expect(new Set(answers.map(({ action }) => JSON.stringify(action))).size).toBe(1);
    expect(answers[0].action.actionId).toBe(`${roundId}-0`);
    expect(answers.every(({ remaining }) => remaining === TARGETS_PER_ROUND - 1)).toBe(true);
    expect(await world.metric('game_actions_signed_total{service="game"}')).toBe(signedBefore + 1);
  });

  test('gets the first outcome again when it is repeated later, with the current state of the round', async () => {
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += 400;
    const first = await world.hit(player, roundId, { cell, target: 0 });
    world.clock.nowMs += 1_000;
    const again = await world.hit(player, roundId, { cell, target: 0 });
    expect(again.body).toEqual({ ...first.body, next: { ...first.body.next, expiresInMs: 2_000 } });
    // A repeat must not win time on the target that is lit.
    world.clock.nowMs += 1_000;
    const second = await world.hit(player, roundId, { cell: first.body.next.cell });
    expect(second.body).toMatchObject({ target: 1, hit: true, reactionMs: 2_000 });
  });

  test('keeps its first outcome if a repeat names another cell', async () => {
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += 400;
    const wrong = await world.hit(player, roundId, { cell: (cell + 1) % CELLS, target: 0 });
    expect(wrong.body.hit).toBe(false);
    const right = await world.hit(player, roundId, { cell, target: 0 });
    expect(right.body).toMatchObject({ hit: false, action: null });
  });

  test('is not lost while auth is away: the retry gets the signed action', async () => {
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += 400;
    await world.authWorld.auth.stop();
    const refused = await world.hit(player, roundId, { cell });
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable', reason: 'AUTH_UNAVAILABLE' } });
    expect(refused.headers.get('retry-after')).toBe('1');
    await world.authWorld.restart();
    // Long after the target's time, and even with a slip of the finger: what counts is what was seen then.
    world.clock.nowMs += 30_000;
    const { body } = await waitFor(async () => {
      const answer = await world.hit(player, roundId, { cell: (cell + 1) % CELLS });
      return answer.status === 200 ? answer : undefined;
    });
    expect(body).toMatchObject({
      target: 0,
      hit: true,
      reactionMs: 400,
      next: { target: 1, expiresInMs: 3_000 },
    });
    expect(await verdictOn(body.action, player.userId)).toBe(Status.VALID);
  });
});

describe('a round', () => {
  test('has ten targets with ten different actions, and repeats the answer to its last hit after its end', async () => {
    const player = await world.player();
    const { roundId, cell } = await startRound(player);
    const actions: Action[] = [];
    let next: { cell: number } | null = { cell };
    let last: unknown;
    while (next !== null) {
      world.clock.nowMs += 300;
      const { body } = await world.hit(player, roundId, { cell: next.cell });
      expect(body.hit).toBe(true);
      actions.push(body.action);
      next = body.next;
      last = body;
    }
    expect(new Set(actions.map(({ actionId }) => actionId)).size).toBe(TARGETS_PER_ROUND);
    expect(last).toMatchObject({ remaining: 0, next: null });
    expect((await world.hit(player, roundId, { cell: 0 })).body).toEqual(last);
    for (const action of actions) expect(await verdictOn(action, player.userId)).toBe(Status.VALID);
  });

  test('ends when its player starts another', async () => {
    const player = await world.player();
    const first = await startRound(player);
    const second = await startRound(player);
    world.clock.nowMs += 400;
    expect(await world.hit(player, first.roundId, { cell: first.cell })).toMatchObject({
      status: 404,
      body: { reason: 'ROUND_NOT_FOUND' },
    });
    expect((await world.hit(player, second.roundId, { cell: second.cell })).body.hit).toBe(true);
  });

  test('is played by its player alone; others get 404 and cannot affect it', async () => {
    const [owner, other] = [await world.player(), await world.player()];
    const { roundId, cell } = await startRound(owner);
    world.clock.nowMs += 400;
    expect(await world.hit(other, roundId, { cell })).toMatchObject({
      status: 404,
      body: { reason: 'ROUND_NOT_FOUND' },
    });
    expect((await world.hit(owner, roundId, { cell })).body).toMatchObject({ target: 0, hit: true });
  });

  test('expires when it is not played', async () => {
    const player = await world.player();
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += 60_001;
    expect((await world.hit(player, roundId, { cell })).body.reason).toBe('ROUND_NOT_FOUND');
  });
});

describe('the metrics', () => {
  test('count rounds, hits, misses, signatures and refusals', async () => {
    const names = [
      'game_rounds_total{service="game"}',
      'game_targets_total{verdict="hit",service="game"}',
      'game_targets_total{verdict="wrong_cell",service="game"}',
      'game_actions_signed_total{service="game"}',
      'game_requests_refused_total{reason="CELL_INVALID",service="game"}',
    ];
    const read = () => Promise.all(names.map((name) => world.metric(name)));
    const before = await read();
    const player = await world.player();
    const { roundId, cell } = await startRound(player);
    world.clock.nowMs += 400;
    const { body } = await world.hit(player, roundId, { cell });
    world.clock.nowMs += 400;
    await world.hit(player, roundId, { cell: (body.next.cell + 1) % CELLS });
    await world.hit(player, roundId, { cell: 9 });
    expect((await read()).map((value, index) => value - (before[index] ?? 0))).toEqual([1, 1, 1, 1, 1]);
    expect(await world.metric('game_rounds{service="game"}')).toBeGreaterThan(0);
  });
});
