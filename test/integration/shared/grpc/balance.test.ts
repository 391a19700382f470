/** Requests over several instances of a service: even shares, new instances, and instances that leave, die or hang. */
import { afterEach, expect, test } from 'vitest';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import {
  createClientCalls,
  createGrpcClient,
  registerService,
  startGrpcServer,
} from '../../../../services/shared/grpc/grpc.ts';
import { createServiceKey, digestServiceKeys } from '../../../../services/shared/identity/service-keys.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { createScoreDouble } from '../../../support/doubles/score-double.ts';
import { waitFor } from '../../../support/wait-for.ts';

const HOST = '127.0.0.1';
const EDGE = createServiceKey('edge');
const LIMIT = { limitMs: 10_000 };

let opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.reverse()) await close();
  opened = [];
});

/** A score service that counts its requests. While it is held, it answers none of them. */
async function startInstance(port = 0, host = HOST) {
  const { handlers } = createScoreDouble();
  let requests = 0;
  let held: Promise<void> | undefined;
  let letGo = () => {};
  const server = await startGrpcServer({
    ...{ host, port, log: createSilentLog(), metrics: createMetrics('test', { runtime: false }) },
    digests: digestServiceKeys([EDGE]),
    services: [
      registerService(
        ScoreService,
        {
          ...handlers,
          async submitScores({ submissions }) {
            requests += 1;
            await held;
            return { outcomes: submissions.map(() => ({})), boards: [] };
          },
        },
        {
          submitScore: ['edge'],
          submitScores: ['edge'],
        },
      ),
    ],
  });
  opened.push(() => {
    letGo();
    return server.stop();
  });
  return {
    address: `${host}:${server.port}`,
    port: server.port,
    requests: () => requests,
    stop: () => server.stop(),
    hold() {
      held = new Promise((resolve) => {
        letGo = resolve;
      });
    },
    letGo: () => letGo(),
  };
}

function connect(address: string, lookup?: (host: string) => Promise<readonly string[]>) {
  const metrics = createMetrics('test', { runtime: false });
  const client = createGrpcClient(ScoreService, {
    ...{ address, serviceKey: EDGE, unavailable: 'SCORE_UNAVAILABLE', conversations: ['submitScores'] },
    calls: createClientCalls(metrics),
    ...(lookup && { lookup }),
  });
  opened.push(() => client.close());
  return {
    metrics,
    ask: async (options = LIMIT) =>
      (await client.submitScores({ submissions: [{}] }, options)).outcomes.length,
  };
}

const reasonOf = (error: unknown) => (error instanceof AppError ? error.reason : String(error));
const addressesOf = (instances: readonly { address: string }[]) =>
  instances.map(({ address }) => address).join(',');

/** So many requests, eight at once. Returns the reasons of those that failed. */
async function askMany(ask: () => Promise<number>, count: number): Promise<string[]> {
  const failures: string[] = [];
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await ask().catch((error: unknown) => failures.push(reasonOf(error)));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return failures;
}

test('three instances get even shares, and the metric tells them', async () => {
  const instances = await Promise.all([startInstance(), startInstance(), startInstance()]);
  const { ask, metrics } = connect(addressesOf(instances));
  // From the first connection on, the connected instances are preferred, so all three have to be connected.
  await waitFor(async () => {
    await ask();
    return instances.every(({ requests }) => requests() > 0) || undefined;
  });
  const before = instances.map(({ requests }) => requests());
  expect(await askMany(ask, 600)).toEqual([]);
  const shares = instances.map(({ requests }, at) => requests() - (before[at] ?? 0));
  for (const share of shares) {
    expect(share).toBeGreaterThanOrEqual(160);
    expect(share).toBeLessThanOrEqual(240);
  }
  for (const { address, requests } of instances) {
    expect(await metrics.text()).toContain(
      `grpc_client_requests_total{to="score",instance="${address}",service="test"} ${requests()}`,
    );
  }
});

test('an instance that stops loses no request, and one that starts in its place gets a share', async () => {
  const [staying, leaving] = [await startInstance(), await startInstance()];
  const { ask } = connect(addressesOf([staying, leaving]));
  await waitFor(async () => {
    await ask();
    return (staying.requests() > 0 && leaving.requests() > 0) || undefined;
  });
  const asking = askMany(ask, 2_000);
  await leaving.stop();
  expect(await asking).toEqual([]);

  const returned = await startInstance(leaving.port);
  await waitFor(async () => {
    await ask();
    return returned.requests() > 0 || undefined;
  });
});

test('an instance that hangs gets no more than the requests that it holds', async () => {
  const [busy, idle] = [await startInstance(), await startInstance()];
  const { ask } = connect(addressesOf([busy, idle]));
  await waitFor(async () => {
    await ask();
    return (busy.requests() > 0 && idle.requests() > 0) || undefined;
  });
  busy.hold();
  const [before, ofIdle] = [busy.requests(), idle.requests()];
  const asking = askMany(ask, 300);
  // The callers that are not held up ask on.
  await waitFor(() => idle.requests() - ofIdle + busy.requests() - before === 300 || undefined);
  expect(busy.requests() - before).toBeLessThanOrEqual(8);
  busy.letGo();
  expect(await asking).toEqual([]);
});

test('an address where nothing listens costs no request', async () => {
  const gone = await startInstance();
  await gone.stop();
  const present = await startInstance();
  const { ask } = connect(addressesOf([gone, present]));
  expect(await askMany(ask, 100)).toEqual([]);
  expect(present.requests()).toBe(100);
});

test('without any instance, a request fails with the reason of the service', async () => {
  const [one, other] = [await startInstance(), await startInstance()];
  await Promise.all([one.stop(), other.stop()]);
  await expect(connect(addressesOf([one, other])).ask()).rejects.toMatchObject({
    reason: 'SCORE_UNAVAILABLE',
  });
});

test('a host name stands for all of its addresses, as they are now', async () => {
  const first = await startInstance();
  let ips = [HOST];
  const { ask } = connect(`dns:///score.test:${first.port}`, async () => ips);
  expect(await ask()).toBe(1);

  const second = await startInstance(first.port, '127.0.0.2');
  ips = [HOST, '127.0.0.2'];
  await waitFor(async () => {
    await ask();
    return second.requests() > 0 || undefined;
  });

  ips = ['127.0.0.2'];
  await waitFor(async () => {
    const before = first.requests();
    expect(await askMany(ask, 20)).toEqual([]);
    return first.requests() === before || undefined;
  });
});

test('a name server that fails takes no instance away, and a name without addresses is looked up again', async () => {
  const instance = await startInstance();
  let answer: () => Promise<readonly string[]> = () => Promise.reject(new Error('ENOTFOUND'));
  let lookups = 0;
  const { ask } = connect(`score.test:${instance.port}`, () => {
    lookups += 1;
    return answer();
  });
  await expect(ask()).rejects.toMatchObject({ reason: 'SCORE_UNAVAILABLE' });
  answer = async () => [HOST];
  await waitFor(() => ask().catch(() => undefined));
  answer = () => Promise.reject(new Error('EAI_AGAIN'));
  const known = lookups;
  await waitFor(() => lookups > known || undefined);
  expect(await ask()).toBe(1);
});
