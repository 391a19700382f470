/** The edge while what it needs is away, slow, or coming back, and while it stops. */
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../../dev/host/ports.ts';
import { ask, bearer, speak, submit } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { BUSY_MS, waitFor } from '../../../support/wait-for.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
let token: string;
const logLines: string[] = [];
beforeAll(async () => {
  world = await startEdgeWorld({ log: pino({ level: 'trace' }, { write: (line) => logLines.push(line) }) });
  token = await world.token('alice');
});
afterAll(() => world.stop());

const top = (board = 'global') => ask(`${world.base}/api/v1/scoreboard/top?leaderboard=${board}`);
const me = () => ask(`${world.base}/api/v1/scoreboard/me`, { headers: bearer(token) });
const whenReady = (isReady: boolean) =>
  waitFor(async () => (await ask(`${world.base}/readyz`)).status === (isReady ? 200 : 503) || undefined);

const dependencies = async () => {
  const ready = await ask(`http://127.0.0.1:${world.node.adminPort}/readyz`);
  return { status: ready.status, ...ready.body.dependencies };
};
const isStale = async () => (await top()).headers.has('x-scoreboard-stale');

describe('while the score service is down', () => {
  test('submissions are refused, boards are served, and submissions are accepted again afterwards', async () => {
    await submit(world.base, token, { actionId: 'before' });
    const known = await top();
    await world.stopScore();
    await waitFor(async () => (await dependencies()).score === false || undefined);
    expect(await dependencies()).toMatchObject({ status: 200, rank: true });

    const refused = await submit(world.base, token, { actionId: 'down' });
    expect(refused).toMatchObject({
      status: 503,
      body: { code: 'unavailable', reason: 'SCORE_UNAVAILABLE' },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await me()).status).toBe(200);
    expect([(await top()).body, await isStale()]).toEqual([known.body, false]);

    await world.startScore();
    await waitFor(async () => (await dependencies()).score || undefined);
    const answer = await submit(world.base, token, { actionId: 'down' });
    expect(answer.status).toBe(200);
    expect((await top()).body[0].score).toBe(answer.body.newScore);
  });
});

describe('while the rank service is down', () => {
  test('submissions are accepted, the last top is served as stale, and fresh ones afterwards', async () => {
    await submit(world.base, token, { actionId: 'ranked' });
    const known = await top();
    await world.stopRank();
    await waitFor(async () => (await dependencies()).rank === false || undefined);
    expect(await dependencies()).toMatchObject({ status: 200, score: true });
    expect(await me()).toMatchObject({ status: 503, body: { reason: 'RANK_UNAVAILABLE' } });
    await waitFor(async () => (await isStale()) || undefined);
    expect((await top()).body).toEqual(known.body);
    expect(await top('never-read')).toMatchObject({ status: 503, body: { reason: 'RANK_UNAVAILABLE' } });
    const answer = await submit(world.base, token, { actionId: 'unranked' });
    expect(answer.status).toBe(200);

    await world.startRank();
    await waitFor(async () => {
      const { headers, body } = await top();
      return (!headers.has('x-scoreboard-stale') && body[0].score === answer.body.newScore) || undefined;
    });
  });
});

test('an edge that reaches neither score nor rank is alive and not ready', async () => {
  await Promise.all([world.stopScore(), world.stopRank()]);
  await whenReady(false);
  const checks = { serving: true, keys: true, upstream: false };
  expect((await ask(`${world.base}/readyz`)).body.checks).toEqual(checks);
  expect((await ask(`${world.base}/healthz`)).status).toBe(200);
  await Promise.all([world.startScore(), world.startRank()]);
  await waitFor(async () => {
    const { score, rank } = await dependencies();
    return (score && rank) || undefined;
  });
  await whenReady(true);
});

describe('while the score service refuses', () => {
  test.each(['STORE_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'AUTH_UNAVAILABLE', 'SHUTTING_DOWN'] as const)(
    'its reason %s is passed on, with its wish when to come back',
    async (reason) => {
      world.score.refuseWith(reason);
      const answer = await submit(world.base, token, { actionId: 'refused' });
      world.score.refuseWith(undefined);
      expect(answer).toMatchObject({ status: 503, body: { reason } });
      expect(answer.headers.get('retry-after')).toBe('2');
    },
  );

  test('a bug there is INTERNAL here, without details', async () => {
    world.score.refuseWith('INTERNAL');
    const answer = await submit(world.base, token, { actionId: 'bug' });
    world.score.refuseWith(undefined);
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal', reason: 'INTERNAL' } });
    expect(answer.body.message).toBe('An internal error occurred.');
  });
});

describe('while the rank service cannot confirm freshness', () => {
  test('top and place say so in a header, with unchanged bodies, and Connect in a field', async () => {
    await submit(world.base, token, { actionId: 'vouched' });
    const fresh = { top: await top('doubted'), me: await me() };
    world.score.setStale(true);
    const getTop = () =>
      ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/GetTop`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
    await waitFor(async () => (await top('doubted')).headers.has('x-scoreboard-stale') || undefined);
    const doubted = await me();
    expect(doubted.headers.get('x-scoreboard-stale')).toBe('true');
    expect(doubted.body).toEqual(fresh.me.body);
    expect((await getTop()).body.stale).toBe(true);
    world.score.setStale(false);
    expect(fresh.me.headers.has('x-scoreboard-stale')).toBe(false);
    expect(fresh.top.headers.has('x-scoreboard-stale')).toBe(false);
    expect((await me()).headers.has('x-scoreboard-stale')).toBe(false);
  });
});

describe('while score and rank hang', () => {
  test('every request is answered within 1.5 s, and a retry counts once', async () => {
    await submit(world.base, token, { actionId: 'earlier', leaderboard: 'hanging' });
    await top('hanging');
    const scoreBefore = (await me()).body.score;
    world.score.hold();
    const started = performance.now();
    const [submitting, reading, stale] = await Promise.all([
      submit(world.base, token, { actionId: 'hang' }),
      me(),
      waitFor(async () => {
        const answer = await top('hanging');
        return answer.headers.has('x-scoreboard-stale') ? answer : undefined;
      }),
    ]);
    const tookMs = performance.now() - started;
    world.score.release();
    expect(submitting).toMatchObject({ status: 504, body: { reason: 'DEADLINE_EXCEEDED' } });
    expect(reading).toMatchObject({ status: 504, body: { reason: 'DEADLINE_EXCEEDED' } });
    expect(stale.status).toBe(200);
    expect(tookMs).toBeLessThan(1_500 + BUSY_MS);
    await submit(world.base, token, { actionId: 'hang' });
    expect((await me()).body.score).toBe(scoreBefore + 100);
  });

  test('readers of a known top wait only once', async () => {
    await top('waiting');
    world.score.hold();
    await waitFor(async () => (await top('waiting')).headers.has('x-scoreboard-stale') || undefined);
    const started = performance.now();
    for (let index = 0; index < 20; index += 1) {
      expect((await top('waiting')).headers.get('x-scoreboard-stale')).toBe('true');
    }
    // Each of the twenty would wait a second of its own.
    expect(performance.now() - started).toBeLessThan(1_000 + 2 * BUSY_MS);
    world.score.release();
  });
});

test('a top stays cached when its board continues in a lower epoch', async () => {
  await submit(world.base, token, { actionId: 'seen', leaderboard: 'reborn' });
  world.score.loseIndex('reborn');
  const before = world.score.topReads;
  await Promise.all(Array.from({ length: 100 }, () => top('reborn')));
  expect(world.score.topReads - before).toBeLessThan(30);
});

test('an edge that never received keys says so and is not ready', async () => {
  const edge = await world.startNode(
    { AUTH_ADDRESS: `127.0.0.1:${await freePort()}` },
    { untilReady: false },
  );
  try {
    const answer = await submit(edge.base, token, {});
    expect(answer).toMatchObject({ status: 503, body: { reason: 'AUTH_UNAVAILABLE' } });
    const keys = await ask(`${edge.base}/.well-known/jwks.json`);
    expect(keys).toMatchObject({ status: 503, body: { reason: 'AUTH_UNAVAILABLE' } });
    const ready = await ask(`${edge.base}/readyz`);
    expect(ready).toMatchObject({ status: 503, body: { checks: { keys: false } } });
  } finally {
    await edge.stop();
  }
});

describe('an edge that stops', () => {
  test('answers requests under way, closes their connections, and accepts no new ones', async () => {
    const edge = await world.startNode();
    world.score.hold();
    const body = JSON.stringify({ actionId: 'last', points: 1, signature: GOOD_SIGNATURE });
    const request = `POST /api/v1/score/update HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answering = speak(edge.port, [request]);
    await waitFor(() => world.score.submissions.some(({ actionId }) => actionId === 'last') || undefined);
    const stopping = edge.stop();
    expect(await speak(edge.port, ['GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'])).toEqual({
      heard: '',
      closed: true,
    });
    world.score.release();
    const { heard, closed } = await answering;
    expect(heard).toContain('HTTP/1.1 200 OK');
    expect(heard).toMatch(/Connection: close/i);
    expect(closed).toBe(true);
    await stopping;
  });

  test('frees its port, which was exclusive until then', async () => {
    const port = String(await freePort());
    const edge = await world.startNode({ EDGE_PORT: port, ADMIN_PORT: '0' });
    await expect(world.startNode({ EDGE_PORT: port, ADMIN_PORT: '0' })).rejects.toThrow('EADDRINUSE');
    await edge.stop();
    const again = await world.startNode({ EDGE_PORT: port, ADMIN_PORT: '0' });
    await again.stop();
  });
});

test('no token and no signature is logged', async () => {
  await submit(world.base, `${token}x`, { signature: 'v1.canary-signature' });
  await submit(world.base, token, { signature: 'v1.canary-signature', actionId: 'canary' });
  await ask(`${world.base}/api/v1/scoreboard/top?access_token=${token}`);
  world.score.refuseWith('INTERNAL');
  await submit(world.base, token, { signature: 'v1.canary-signature' });
  world.score.refuseWith(undefined);
  const logged = logLines.join('');
  expect(logged).toContain('key set changed');
  expect(logged).not.toMatch(/eyJ|canary-signature/);
});
