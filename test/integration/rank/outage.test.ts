/** The rank service away in each way that there is, and the score service away: neither takes the other with it. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { type FaultProxy, startProxy } from '../../fault/network/proxy.ts';
import { ask, bearer, submit } from '../../support/clients/edge-client.ts';
import { openLive } from '../../support/clients/live-client.ts';
import { patient, ranked, rankedAnswer } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';
import { startWholeWorld } from '../../support/worlds/whole-world.ts';

const call = { limitMs: 30_000 };
/** Far below the caller's deadline, so that an answer that waited for rank to the end is found out. */
const IN_TIME_MS = 5_000;

let world: ScoreWorld;
let proxy: FaultProxy;
let sql: Sql;
let actions = 0;

async function open(rankServices = 1): Promise<void> {
  world = await startScoreWorld({
    rankServices,
    rankWaitMs: 250,
    async betweenScoreAndRank(address) {
      proxy = await startProxy({ host: '127.0.0.1', port: Number(address.split(':')[1]) });
      return `127.0.0.1:${proxy.port}`;
    },
  });
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
}

const close = async () => {
  proxy?.setMode({ kind: 'pass' });
  await sql?.end();
  await world?.stop();
  await proxy?.stop();
};

/** An action that is accepted with its rank. */
function earnRanked(userId: string, points: bigint) {
  actions += 1;
  const submission = { userId, actionId: `a${actions}`, points };
  return ranked(() => world.scoreAs('game').submitScore({ submission }, call));
}

async function earn(userId: string, points: bigint) {
  actions += 1;
  const submission = { userId, actionId: `a${actions}`, points };
  return (await world.scoreAs('game').submitScore({ submission }, call)).accepted;
}

const isRankThere = async () => (await world.readiness()).body.dependencies.rank === true;
const board = async (rankService = 0) => {
  const { entries } = await world.rankAs('edge', rankService).getTop({}, call);
  return entries.map(({ userId, score }) => [userId, score]);
};
const allDelivered = () =>
  waitFor(async () => (await sql`select from outbox`).length === 0 || undefined, {
    describe: 'an empty outbox',
  });

describe('while rank is away', () => {
  beforeEach(() => open());
  afterEach(close);

  test.each([
    ['silent, as one that was stopped', { kind: 'blackhole' }],
    ['cut off', { kind: 'reset' }],
    ['hearing everything while its answers are lost', { kind: 'drop-replies' }],
  ] as const)(
    '%s, scores are accepted in time with rank 0, and the outbox brings them after',
    async (_, mode) => {
      expect(await earnRanked('ada', 5n)).toMatchObject({ newScore: 5n, rank: 1n });
      proxy.setMode(mode);
      const askedAt = performance.now();
      const answers = await Promise.all([earn('ada', 2n), earn('bob', 9n), earn('cy', 1n)]);
      expect(performance.now() - askedAt).toBeLessThan(IN_TIME_MS);
      expect(answers.map((answer) => answer?.newScore)).toEqual([7n, 9n, 1n]);
      await waitFor(async () => !(await isRankThere()) || undefined);
      // Known to be away, it is not waited for, and a repeat gets its first answer.
      expect(await earn('ada', 3n)).toMatchObject({ newScore: 10n, rank: 0n });
      actions -= 1;
      expect(await earn('ada', 3n)).toMatchObject({ newScore: 10n, rank: 0n, replayed: true });
      expect(await world.metric('score_rank_away')).toBe(1);

      proxy.setMode({ kind: 'pass' });
      await allDelivered();
      expect(await board()).toEqual([
        ['ada', 10n],
        ['bob', 9n],
        ['cy', 1n],
      ]);
      expect(await isRankThere()).toBe(true);
      expect(await earnRanked('cy', 20n)).toMatchObject({ newScore: 21n, rank: 1n });
    },
  );

  test('ended and started again, it serves what was accepted meanwhile', async () => {
    await world.stopRank();
    await waitFor(async () => !(await isRankThere()) || undefined);
    expect(await earn('ada', 5n)).toMatchObject({ newScore: 5n, rank: 0n });
    await world.startRank();
    await allDelivered();
    expect(await board()).toEqual([['ada', 5n]]);
  });
});

describe('two rank services', () => {
  beforeEach(() => open(2));
  afterEach(close);

  test('show what came through one of them in the other, also when one has rebuilt the index', async () => {
    expect(await earnRanked('ada', 5n)).toMatchObject({ rank: 1n });
    expect(await board(1)).toEqual([['ada', 5n]]);
    const epochs = () =>
      Promise.all(
        [0, 1].map(async (at) => (await world.rankAs('edge', at).getTop({}, call)).position?.epoch),
      );
    const [before] = await epochs();
    await world.killRedis();
    await world.startRedis();
    expect(await earnRanked('bob', 9n)).toMatchObject({ newScore: 9n });
    await waitFor(async () => {
      const [one, other] = await epochs();
      return (one === other && one !== before) || undefined;
    });
    await allDelivered();
    expect([await board(0), await board(1)]).toEqual(
      Array(2).fill([
        ['bob', 9n],
        ['ada', 5n],
      ]),
    );
    expect(await earnRanked('ada', 5n)).toMatchObject({ newScore: 10n, rank: 1n });
    expect(await board(1)).toEqual([
      ['ada', 10n],
      ['bob', 9n],
    ]);
  });
});

describe('between score and rank on the way to screens', () => {
  test('boards go on being served while score is away, and are called stale while rank is', async () => {
    const whole = await startWholeWorld({ each: 1 });
    const [edge = '', fanout = ''] = [whole.edgeUrls[0], whole.fanoutUrls[0]];
    const viewer = await openLive(fanout);
    try {
      const { accessToken } = await patient(whole.authAs('cli')).issueToken({ userId: 'ada' }, call);
      const sign = async (actionId: string) => {
        const action = { userId: 'ada', actionId, points: 100n };
        return (await patient(whole.authAs('game')).signAction({ action }, call)).signature;
      };
      const send = async (actionId: string) =>
        submit(edge, accessToken, { actionId, points: 100, signature: await sign(actionId) });
      const top = () => ask(`${edge}/api/v1/scoreboard/top`);
      const me = () => ask(`${edge}/api/v1/scoreboard/me`, { headers: bearer(accessToken) });
      const shown = () => ({
        score: viewer.frames.findLast(({ leaderboard }) => leaderboard !== undefined)?.leaderboard?.[0]
          ?.score,
        stale: viewer.frames.findLast(({ stale }) => stale !== undefined)?.stale,
      });
      const shows = (score: number, stale: boolean) =>
        waitFor(() => (shown().score === score && shown().stale === stale) || undefined);
      expect((await rankedAnswer(() => send('a1'))).body).toEqual({ newScore: 100, rank: 1 });
      expect((await top()).body).toHaveLength(1);
      await shows(100, false);

      await whole.stopRank();
      expect((await send('a2')).body).toEqual({ newScore: 200, rank: 0 });
      await shows(100, true);
      await waitFor(async () => (await top()).headers.has('x-scoreboard-stale') || undefined);
      expect(await me()).toMatchObject({ status: 503, body: { reason: 'RANK_UNAVAILABLE' } });
      expect((await ask(`${edge}/readyz`)).status).toBe(200);

      await whole.startRank();
      await shows(200, false);
      await waitFor(async () => !(await top()).headers.has('x-scoreboard-stale') || undefined);

      await whole.stopScore();
      expect(await send('a3')).toMatchObject({ status: 503, body: { reason: 'SCORE_UNAVAILABLE' } });
      const answer = await top();
      expect([answer.body, answer.headers.has('x-scoreboard-stale')]).toEqual([
        [{ username: 'ada', score: 200 }],
        false,
      ]);
      expect((await me()).body).toMatchObject({ score: 200, rank: 1 });
      expect((await ask(`${edge}/readyz`)).status).toBe(200);
    } finally {
      viewer.close();
      await whole.stop();
    }
  });
});
