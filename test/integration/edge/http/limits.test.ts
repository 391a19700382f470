/** Rate limits of the edge, with a real Redis that the tests kill and freeze. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, ask, bearer, speak, submit } from '../../../support/clients/edge-client.ts';
import { BUSY_MS, waitFor } from '../../../support/wait-for.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

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

let startedMs: number;
beforeEach(() => {
  startedMs = performance.now();
});
/** One request comes back each second: so many may have since the test began. */
const refilled = () => Math.ceil((performance.now() - startedMs) / 1000);

/** Sends until it is refused, after no more than what came back. */
async function expectLimited(send: () => Promise<Answer>, policy?: string): Promise<void> {
  let passed = 0;
  const answer = await waitFor(async () => {
    const each = await send();
    if (each.status === 429) return each;
    passed += 1;
    return undefined;
  });
  expect(passed).toBeLessThanOrEqual(refilled());
  expectRefusal(answer, policy);
}

function expectRefusal(answer: Answer, policy?: string): void {
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

  /**
   * Checks with one player, or with another one if that fails: on a busy machine Redis may answer late, and each node
   * then counts for itself.
   */
  async function onePlayer(name: string, check: (token: string) => Promise<void>): Promise<void> {
    for (let n = 1; n < 4; n += 1) {
      const failure = await check(await world.token(`${name}${n}`)).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (failure === undefined) return;
      startedMs = performance.now();
    }
    await check(await world.token(`${name}4`));
  }

  /** A player who has so many submissions left at once, as every edge of this test counts. */
  const node = (burst: number) => world.startNode({ RATE_USER_BURST: String(burst) });

  test('lets a burst through, then says when to retry, and does not affect other players', async () => {
    const edge = await node(5);
    const [ann, ben] = [await world.token('ann'), await world.token('ben')];
    expect(await submitTimes(edge.base, ann, 5)).toEqual([200, 200, 200, 200, 200]);
    await expectLimited(() => submit(edge.base, ann, { actionId: nextId() }), '"user";q=5;w=5');
    expect(await submitTimes(edge.base, ben, 1)).toEqual([200]);
    const me = await ask(`${edge.base}/api/v1/scoreboard/me`, { headers: bearer(ann) });
    expect(me.status).toBe(200);
    await edge.stop();
  });

  test('holds across nodes', async () => {
    const [first, second] = [await node(6), await node(6)];
    await onePlayer('cid', async (token) => {
      expect(await submitTimes(first.base, token, 3)).toEqual([200, 200, 200]);
      expect(await submitTimes(second.base, token, 3)).toEqual([200, 200, 200]);
      await expectLimited(() => submit(first.base, token, { actionId: nextId() }));
      await expectLimited(() => submit(second.base, token, { actionId: nextId() }));
    });
    await Promise.all([first.stop(), second.stop()]);
  });

  test('holds for concurrent requests', async () => {
    const [first, second] = [await node(10), await node(10)];
    await onePlayer('dora', async (token) => {
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          submit((index % 2 === 0 ? first : second).base, token, { actionId: nextId() }),
        ),
      );
      const accepted = answers.filter(({ status }) => status === 200).length;
      expect(accepted).toBeGreaterThanOrEqual(10);
      expect(accepted).toBeLessThanOrEqual(10 + refilled());
    });
    await Promise.all([first.stop(), second.stop()]);
  });

  test('is shared to within a sixteenth of a large burst per node', async () => {
    const burst = 160;
    const nodes = [await node(burst), await node(burst)];
    const tries = Array.from({ length: 3 * burst }, (_, index) => nodes[index % 2] ?? nodes[0]);
    await onePlayer('fay', async (token) => {
      const statuses = await Promise.all(
        tries.map(async (edge) => (await submit(edge?.base ?? '', token, { actionId: nextId() })).status),
      );
      const accepted = statuses.filter((status) => status === 200).length;
      expect(accepted).toBeGreaterThanOrEqual(burst - burst / 16);
      expect(accepted).toBeLessThanOrEqual(burst + (nodes.length * burst) / 16 + refilled());
    });
    await Promise.all(nodes.map((edge) => edge.stop()));
  });

  test('keeps its count when Redis is killed, and is shared again after Redis is back', async () => {
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

  test('does not let requests wait for a Redis that hangs', async () => {
    const token = await world.token('gus');
    await submitTimes(world.base, token, 1);
    world.pauseRedis();
    try {
      const waiting = performance.now();
      expect(await submitTimes(world.base, token, 80)).toEqual(Array(80).fill(200));
      // One in a second finds out, within 100 ms; all of them would take eight seconds.
      expect(performance.now() - waiting).toBeLessThan(2_000 + BUSY_MS);
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

  test('counts requests without a token, for each address separately', async () => {
    await spend('203.0.113.1');
    await expectLimited(() => top('203.0.113.1'), '"address";q=5;w=5');
    expect((await top('203.0.113.2')).status).toBe(200);
  });

  test('counts the address that our proxy added, not the one that the client sent', async () => {
    await spend('203.0.113.3');
    await expectLimited(() => top('6.6.6.6, 203.0.113.3'));
  });

  test('tells clients apart that a proxy names with ports and brackets, or by Forwarded', async () => {
    const spell = (address: string) => [`${address}:51234`, `${address}:40000`, `"${address}:1"`];
    for (const forms of [spell('203.0.113.20'), spell('[2001:db8:9:9::1]')]) {
      const [first = '', ...others] = forms;
      await spend(first);
      for (const other of others) await expectLimited(() => top(other));
    }
    expect((await top('203.0.113.21:51234')).status).toBe(200);
    const by = (forwarded: string) => ask(`${world.base}/api/v1/scoreboard/top`, { headers: { forwarded } });
    await expectLimited(() => by('for=6.6.6.6, for="203.0.113.20:9";proto=https'));
    expect((await by('for=203.0.113.22;proto=https')).status).toBe(200);
  });

  test('counts the peer and not the address in a PROXY header, which any client can send', async () => {
    const version2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c';
    const ports = '\0\x50\0\x50';
    for (let last = 1; last <= 5; last += 1) {
      const proxied = `${version2}\x01\x02\x03${String.fromCharCode(last)}\x7f\0\0\x01${ports}`;
      const request =
        'GET /api/v1/scoreboard/top HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.30\r\n\r\n';
      const { heard } = await speak(world.node.port, [proxied + request], (text) => text.endsWith(']'));
      expect(heard).toMatch(/^HTTP\/1\.1 200 /);
    }
    await expectLimited(() => top('203.0.113.30'));
  });

  test('counts an IPv6 network as one subscriber', async () => {
    await spend('2001:db8:1:2::1');
    await expectLimited(() => top('2001:db8:1:2:ffff::9'));
    expect((await top('2001:db8:1:3::1')).status).toBe(200);
  });

  test('applies before tokens are verified, so forged ones do not get around it', async () => {
    const forged = (index: number) =>
      submit(world.base, undefined, {}, { ...bearer(`eyJ.forged.${index}`), ...from('203.0.113.4') });
    for (let index = 0; index < 5; index += 1) expect((await forged(index)).status).toBe(401);
    await expectLimited(() => forged(5));
    const token = await world.token('hal');
    await expectLimited(() => submit(world.base, token, {}, from('203.0.113.4')));
  });

  test('holds for Connect as for REST, with the same refusal', async () => {
    await spend('203.0.113.5');
    for (const method of ['GetTop', 'GetRank', 'SubmitScore']) {
      await expectLimited(() =>
        ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/${method}`, {
          method: 'POST',
          body: '{}',
          headers: { 'content-type': 'application/json', ...from('203.0.113.5') },
        }),
      );
    }
  });

  test('does not apply to health, keys and the page', async () => {
    await spend('203.0.113.6');
    for (const path of ['/healthz', '/readyz', '/.well-known/jwks.json', '/']) {
      expect((await ask(`${world.base}${path}`, { headers: from('203.0.113.6') })).status).toBe(200);
    }
  });

  test('does not apply to exempt networks', async () => {
    const edge = await world.startNode({ RATE_ADDRESS_EXEMPT: '127.0.0.0/8', TRUSTED_PROXIES: '-' });
    for (let index = 0; index < 20; index += 1) {
      expect((await ask(`${edge.base}/api/v1/scoreboard/top`, { headers: from('203.0.113.7') })).status).toBe(
        200,
      );
    }
    await edge.stop();
  });

  test('ignores X-Forwarded-For from an address that is not a trusted proxy', async () => {
    const edge = await world.startNode({ TRUSTED_PROXIES: '-' });
    const claims = (index: number) =>
      ask(`${edge.base}/api/v1/scoreboard/top`, { headers: from(`198.51.100.${index}`) });
    for (let index = 0; index < 5; index += 1) expect((await claims(index)).status).toBe(200);
    await expectLimited(() => claims(5));
    await edge.stop();
  });
});
