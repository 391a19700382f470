/** Rate limits of the edge, with a real Redis that the tests kill and freeze. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, bearer, submit } from '../../../support/edge-client.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/edge-world.ts';
import { waitFor } from '../../../support/wait-for.ts';

let ids = 0;
const nextId = () => {
  ids += 1;
  return `action-${ids}`;
};

async function submitTimes(base: string, token: string, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < times; index += 1) {
    statuses.push((await submit(base, token, { actionId: nextId() })).status);
  }
  return statuses;
}

function expectLimited(answer: Answer, policy?: string): void {
  expect(answer).toMatchObject({ status: 429, body: { code: 'resource_exhausted', reason: 'RATE_LIMITED' } });
  const waitS = Number(answer.headers.get('retry-after'));
  expect(waitS).toBeGreaterThanOrEqual(1);
  expect(answer.headers.get('ratelimit-policy')).toMatch(/^"(?:user|address)";q=\d+;w=\d+$/);
  expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"(?:user|address)";r=0;t=${waitS}$`));
  if (policy !== undefined) expect(answer.headers.get('ratelimit-policy')).toBe(policy);
}

describe('the limit of a player', () => {
  let world: EdgeWorld;
  beforeAll(async () => {
    // So slow that nothing comes back while a test runs.
    world = await startEdgeWorld({ env: { RATE_USER_PER_S: '1', RATE_USER_BURST: '100' } });
  });
  afterAll(() => world.stop());

  /** A player who has so many submissions left at once, as every edge of this test counts. */
  const node = (burst: number) => world.startNode({ RATE_USER_BURST: String(burst) });

  test('lets a burst through, then says when to come back, and concerns nobody else', async () => {
    const edge = await node(5);
    const [ann, ben] = [await world.token('ann'), await world.token('ben')];
    expect(await submitTimes(edge.base, ann, 5)).toEqual([200, 200, 200, 200, 200]);
    expectLimited(await submit(edge.base, ann, { actionId: nextId() }), '"user";q=5;w=5');
    expect(await submitTimes(edge.base, ben, 1)).toEqual([200]);
    const me = await ask(`${edge.base}/api/v1/scoreboard/me`, { headers: bearer(ann) });
    expect(me.status).toBe(200);
    await edge.stop();
  });

  test('holds across nodes', async () => {
    const [first, second] = [await node(6), await node(6)];
    const token = await world.token('cid');
    expect(await submitTimes(first.base, token, 3)).toEqual([200, 200, 200]);
    expect(await submitTimes(second.base, token, 3)).toEqual([200, 200, 200]);
    expectLimited(await submit(first.base, token, { actionId: nextId() }));
    expectLimited(await submit(second.base, token, { actionId: nextId() }));
    await Promise.all([first.stop(), second.stop()]);
  });

  test('holds when all come at once', async () => {
    const [first, second] = [await node(10), await node(10)];
    const token = await world.token('dora');
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        submit((index % 2 === 0 ? first : second).base, token, { actionId: nextId() }),
      ),
    );
    const accepted = answers.filter(({ status }) => status === 200).length;
    // One a second comes back; this takes far less than two.
    expect(accepted).toBeGreaterThanOrEqual(10);
    expect(accepted).toBeLessThanOrEqual(12);
    await Promise.all([first.stop(), second.stop()]);
  });

  test('of a large burst is shared to within a sixteenth of it a node', async () => {
    const burst = 160;
    const nodes = [await node(burst), await node(burst)];
    const token = await world.token('fay');
    const tries = Array.from({ length: 3 * burst }, (_, index) => nodes[index % 2] ?? nodes[0]);
    const statuses = await Promise.all(
      tries.map(async (edge) => (await submit(edge?.base ?? '', token, { actionId: nextId() })).status),
    );
    const accepted = statuses.filter((status) => status === 200).length;
    expect(accepted).toBeGreaterThanOrEqual(burst - burst / 16);
    // And what comes back while this takes a second or two.
    expect(accepted).toBeLessThanOrEqual(burst + (nodes.length * burst) / 16 + 3);
    await Promise.all(nodes.map((edge) => edge.stop()));
  });

  test('keeps its count when Redis is killed, and is shared again when Redis is back', async () => {
    const edge = await node(6);
    const token = await world.token('eve');
    expect(await submitTimes(edge.base, token, 3)).toEqual([200, 200, 200]);
    await world.killRedis();
    expect(await submitTimes(edge.base, token, 4)).toEqual([200, 200, 200, 429]);
    await world.startRedis();
    const other = await world.token('finn');
    const byRedis = () => world.metric('edge_rate_limit_total', 'by="redis"');
    const before = await byRedis();
    await waitFor(async () => {
      await submit(world.base, other, { actionId: nextId() });
      return (await byRedis()) > before || undefined;
    });
    await edge.stop();
  });

  test('does not make anybody wait for a Redis that hangs', async () => {
    const token = await world.token('gus');
    await submitTimes(world.base, token, 1);
    world.pauseRedis();
    try {
      const started = performance.now();
      expect(await submitTimes(world.base, token, 40)).toEqual(Array(40).fill(200));
      // One in a second finds out, within 100 ms; all of them would take four seconds.
      expect(performance.now() - started).toBeLessThan(2_500);
    } finally {
      world.resumeRedis();
    }
  });
});

describe('the limit of an address', () => {
  let world: EdgeWorld;
  beforeAll(async () => {
    world = await startEdgeWorld({
      env: {
        RATE_ADDRESS_PER_S: '1',
        RATE_ADDRESS_BURST: '5',
        RATE_ADDRESS_EXEMPT: '-',
        TRUSTED_PROXIES: '127.0.0.0/8',
      },
    });
  });
  afterAll(() => world.stop());

  const from = (address: string) => ({ 'x-forwarded-for': address });
  const top = (address: string) => ask(`${world.base}/api/v1/scoreboard/top`, { headers: from(address) });
  const spend = async (address: string) => {
    for (let index = 0; index < 5; index += 1) expect((await top(address)).status).toBe(200);
  };

  test('counts requests without a token, each address on its own', async () => {
    await spend('203.0.113.1');
    expectLimited(await top('203.0.113.1'), '"address";q=5;w=5');
    expect((await top('203.0.113.2')).status).toBe(200);
  });

  test('counts what a proxy of ours says, not what the client wrote before it', async () => {
    await spend('203.0.113.3');
    expectLimited(await top('6.6.6.6, 203.0.113.3'));
  });

  test('counts an IPv6 network as one subscriber', async () => {
    await spend('2001:db8:1:2::1');
    expectLimited(await top('2001:db8:1:2:ffff::9'));
    expect((await top('2001:db8:1:3::1')).status).toBe(200);
  });

  test('stands before the look at a token, so forged ones are no way around it', async () => {
    const forged = (index: number) =>
      submit(world.base, undefined, {}, { ...bearer(`eyJ.forged.${index}`), ...from('203.0.113.4') });
    for (let index = 0; index < 5; index += 1) expect((await forged(index)).status).toBe(401);
    expectLimited(await forged(5));
    const good = await submit(world.base, await world.token('hal'), {}, from('203.0.113.4'));
    expectLimited(good);
  });

  test('holds for Connect as for REST, and says so in the same words', async () => {
    await spend('203.0.113.5');
    for (const method of ['GetTop', 'GetRank', 'SubmitScore']) {
      const answer = await ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/${method}`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json', ...from('203.0.113.5') },
      });
      expectLimited(answer);
    }
  });

  test('leaves health, keys and the page alone', async () => {
    await spend('203.0.113.6');
    for (const path of ['/healthz', '/readyz', '/.well-known/jwks.json', '/']) {
      expect((await ask(`${world.base}${path}`, { headers: from('203.0.113.6') })).status).toBe(200);
    }
  });

  test('does not exist for exempt networks', async () => {
    const edge = await world.startNode({ RATE_ADDRESS_EXEMPT: '127.0.0.0/8', TRUSTED_PROXIES: '-' });
    for (let index = 0; index < 20; index += 1) {
      expect((await ask(`${edge.base}/api/v1/scoreboard/top`, { headers: from('203.0.113.7') })).status).toBe(
        200,
      );
    }
    await edge.stop();
  });

  test('does not believe a stranger who claims to forward', async () => {
    const edge = await world.startNode({ TRUSTED_PROXIES: '-' });
    const claims = (index: number) =>
      ask(`${edge.base}/api/v1/scoreboard/top`, { headers: from(`198.51.100.${index}`) });
    for (let index = 0; index < 5; index += 1) expect((await claims(index)).status).toBe(200);
    expectLimited(await claims(5));
    await edge.stop();
  });
});
