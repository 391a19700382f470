/** The REST contract of the edge, against a score service that counts like the real one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reason } from '../../../../services/shared/errors/app-error.ts';
import { ask, bearer, submit } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let alice: string;

beforeAll(async () => {
  world = await startEdgeWorld();
  alice = await world.token('alice', { name: 'Alice' });
});
afterAll(() => world.stop());

const get = (path: string, headers: Record<string, string> = {}) => ask(`${world.base}${path}`, { headers });
const expectRefusal = (answer: Awaited<ReturnType<typeof ask>>, status: number, reason: Reason) => {
  expect(answer).toMatchObject({ status, body: { reason } });
  expect(Object.keys(answer.body)).toEqual(['code', 'reason', 'message']);
  expect(answer.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
};

describe('POST /api/v1/score/update', () => {
  test('counts a signed action and answers with the new score and rank', async () => {
    const token = await world.token('counter', { name: 'Count Er' });
    const answer = await submit(world.base, token, { actionId: 'first', points: 7, leaderboard: 'counted' });
    expect(answer).toMatchObject({ status: 200, text: '{"newScore":7,"rank":1}' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.has('idempotent-replayed')).toBe(false);
    expect(world.score.submissions.at(-1)).toMatchObject({
      userId: 'counter',
      username: 'Count Er',
      leaderboard: 'counted',
      points: 7n,
      signature: GOOD_SIGNATURE,
    });
  });

  test('answers a repeat with the same score and says so', async () => {
    const first = await submit(world.base, alice, { actionId: 'twice' });
    const again = await submit(world.base, alice, { actionId: 'twice' });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  test('refuses the same action with other points', async () => {
    await submit(world.base, alice, { actionId: 'conflict', points: 1 });
    expectRefusal(
      await submit(world.base, alice, { actionId: 'conflict', points: 2 }),
      409,
      'ACTION_CONFLICT',
    );
  });

  test('passes on that a signature is invalid', async () => {
    expectRefusal(
      await submit(world.base, alice, { actionId: 'x', signature: 'v1.forged' }),
      403,
      'SIGNATURE_INVALID',
    );
  });

  test('counts for the player of the token, whatever the body says', async () => {
    await submit(world.base, alice, {
      actionId: 'named',
      userId: 'mallory',
      user_id: 'mallory',
      sub: 'mallory',
    });
    expect(world.score.submissions.at(-1)).toMatchObject({ userId: 'alice', username: 'Alice' });
  });

  test('requires a valid token of our audience', async () => {
    const none = await submit(world.base, undefined, {});
    expectRefusal(none, 401, 'TOKEN_REQUIRED');
    expect(none.headers.get('www-authenticate')).toBe('Bearer');
    const wrong = [
      'nonsense',
      '',
      `${alice}x`,
      alice.slice(0, -4),
      await world.token('alice', { expiresInS: -60 }),
      await world.token('alice', { audience: 'others' }),
      'x'.repeat(5_000),
    ];
    for (const token of wrong) {
      const answer = await submit(world.base, undefined, {}, { authorization: `Bearer ${token}` });
      expectRefusal(answer, 401, token === '' ? 'TOKEN_REQUIRED' : 'TOKEN_INVALID');
    }
    for (const length of [8_193, 12_000]) {
      const long = { authorization: `Bearer ${'x'.repeat(length)}` };
      expectRefusal(await submit(world.base, undefined, {}, long), 401, 'TOKEN_TOO_LARGE');
    }
    expect(await world.metric('tokens_refused_total', 'rule="size"')).toBe(2);
    expect(await world.metric('tokens_refused_total', 'rule="expired"')).toBe(1);
    expect(await world.metric('tokens_refused_total', 'rule="audience"')).toBe(1);
    expectRefusal(
      await submit(world.base, undefined, {}, { authorization: `Basic ${alice}` }),
      401,
      'TOKEN_REQUIRED',
    );
    expectRefusal(
      await ask(`${world.base}/api/v1/score/update?access_token=${alice}`, { method: 'POST' }),
      401,
      'TOKEN_REQUIRED',
    );
  });

  test.each([
    ['POINTS_INVALID', { points: '100' }],
    ['POINTS_INVALID', { points: 2 ** 53 }],
    ['ACTION_ID_INVALID', { actionId: 'a'.repeat(65) }],
    ['LEADERBOARD_INVALID', { leaderboard: 'x y' }],
    ['SIGNATURE_REQUIRED', { signature: undefined }],
    ['BODY_INVALID', 'not json'],
    ['BODY_INVALID', Buffer.from([0x7b, 0xff, 0x7d])],
    ['BODY_INVALID', ''],
  ] as const)('refuses with %s: %j', async (reason, fields) => {
    expectRefusal(await submit(world.base, alice, fields), 400, reason);
  });

  test('refuses a signature that is too long', async () => {
    expectRefusal(await submit(world.base, alice, { signature: 's'.repeat(257) }), 403, 'SIGNATURE_INVALID');
  });

  test('accepts a body of 4 KiB and not one byte more', async () => {
    const body = (length: number) => {
      const fields = JSON.stringify({ actionId: 'big', points: 1, signature: GOOD_SIGNATURE });
      return fields + ' '.repeat(length - fields.length);
    };
    expect((await submit(world.base, alice, body(4_096))).status).toBe(200);
    for (const length of [4_097, 100_000, 3_000_000]) {
      expectRefusal(await submit(world.base, alice, body(length)), 413, 'BODY_TOO_LARGE');
    }
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=latin1',
    '',
  ])('refuses the content type "%s"', async (contentType) => {
    const body = Buffer.from(JSON.stringify({ actionId: 'ct', points: 1, signature: GOOD_SIGNATURE }));
    const answer = await submit(world.base, alice, body, { 'content-type': contentType });
    expectRefusal(answer, 415, 'CONTENT_TYPE_UNSUPPORTED');
  });

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="UTF-8"'])(
    'takes the content type %s',
    async (contentType) => {
      const answer = await submit(world.base, alice, { actionId: 'ct' }, { 'content-type': contentType });
      expect(answer.status).toBe(200);
    },
  );

  test('sends concurrent submissions in few calls', async () => {
    const before = world.score.batches.length;
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => submit(world.base, alice, { actionId: `many-${index}` })),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(world.score.batches.length - before).toBeLessThan(100);
    expect(await world.metric('edge_submissions_total', 'outcome="accepted"')).toBeGreaterThanOrEqual(100);
  });
});

describe('GET /api/v1/scoreboard/top', () => {
  test('lists up to ten players, best first, with exactly name and score', async () => {
    for (let index = 1; index <= 12; index += 1) {
      const token = await world.token(`top-${index}`, { name: `Top ${index}` });
      await submit(world.base, token, { actionId: 'a', points: index, leaderboard: 'tops' });
    }
    const { status, body } = await get('/api/v1/scoreboard/top?leaderboard=tops');
    expect(status).toBe(200);
    expect(body).toEqual(
      Array.from({ length: 10 }, (_, index) => ({ username: `Top ${12 - index}`, score: 12 - index })),
    );
  });

  test('is an empty list for a board without scores', async () => {
    expect((await get('/api/v1/scoreboard/top?leaderboard=empty')).text).toBe('[]');
  });

  test('always includes what was just written through the same edge', async () => {
    for (let points = 1; points <= 20; points += 1) {
      const { body } = await submit(world.base, alice, { actionId: `read-${points}`, leaderboard: 'mine' });
      const top = await get('/api/v1/scoreboard/top?leaderboard=mine');
      expect(top.body).toEqual([{ username: 'Alice', score: body.newScore }]);
    }
  });

  test('reads from rank once for many readers', async () => {
    const before = world.score.topReads;
    const url = '/api/v1/scoreboard/top?leaderboard=read-often';
    await Promise.all(Array.from({ length: 200 }, () => get(url)));
    expect(world.score.topReads - before).toBeLessThan(50);
  });

  test('says when the board may be outdated', async () => {
    world.score.setStale(true);
    const stale = await get('/api/v1/scoreboard/top?leaderboard=stale');
    world.score.setStale(false);
    expect(stale.headers.get('x-scoreboard-stale')).toBe('true');
    const other = await get('/api/v1/scoreboard/top?leaderboard=not-stale');
    expect(other.headers.has('x-scoreboard-stale')).toBe(false);
  });

  test('refuses an invalid board id', async () => {
    expectRefusal(await get('/api/v1/scoreboard/top?leaderboard=a%20b'), 400, 'LEADERBOARD_INVALID');
  });
});

describe('GET /api/v1/scoreboard/me', () => {
  test("returns the player's place and neighbours", async () => {
    for (const [name, points] of [
      ['ann', 30],
      ['ben', 20],
      ['cid', 10],
    ] as const) {
      await submit(world.base, await world.token(name), { actionId: 'a', points, leaderboard: 'places' });
    }
    const answer = await get('/api/v1/scoreboard/me?leaderboard=places', bearer(await world.token('ben')));
    expect(answer.body).toEqual({
      userId: 'ben',
      username: 'ben',
      score: 20,
      rank: 2,
      version: 1,
      players: 3,
      leaderboard: 'places',
      neighbours: [
        { userId: 'ann', username: 'ann', score: 30, rank: 1 },
        { userId: 'ben', username: 'ben', score: 20, rank: 2 },
        { userId: 'cid', username: 'cid', score: 10, rank: 3 },
      ],
    });
  });

  test('refuses a player without a score, and a request without a token', async () => {
    const stranger = await world.token('stranger');
    expectRefusal(await get('/api/v1/scoreboard/me', bearer(stranger)), 404, 'PLAYER_NOT_FOUND');
    expectRefusal(await get('/api/v1/scoreboard/me'), 401, 'TOKEN_REQUIRED');
    expectRefusal(await get('/api/v1/scoreboard/me', bearer('nonsense')), 401, 'TOKEN_INVALID');
  });
});
