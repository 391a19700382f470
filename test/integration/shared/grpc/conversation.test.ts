/** Requests over one stream: each has its own answer, in order; whatever ends the stream is told to all who wait, and the next one begins anew. */
import { afterEach, expect, test } from 'vitest';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import {
  createGrpcClient,
  type GrpcServer,
  registerService,
  startGrpcServer,
} from '../../../../services/shared/grpc/grpc.ts';
import {
  createServiceKey,
  digestServiceKeys,
  type ServiceName,
} from '../../../../services/shared/identity/service-keys.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { createScoreDouble } from '../../../support/doubles/score-double.ts';
import { BUSY_MS, waitFor } from '../../../support/wait-for.ts';

const HOST = '127.0.0.1';
const call = { limitMs: 20_000 };
const KEYS = { edge: createServiceKey('edge'), fanout: createServiceKey('fanout') };

let opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.reverse()) await close();
  opened = [];
});

/** A server whose answer to a batch of so many submissions waits until it is let go; it tells the size in its answer. */
async function startServer(service = ScoreService) {
  const { handlers } = createScoreDouble();
  const asked: { size: number; remainingMs: number; caller: string }[] = [];
  const holding = new Map<number, () => void>();
  const held = new Set<number>();
  const metrics = createMetrics('test', { runtime: false });
  const [edge, readers]: [ServiceName[], ServiceName[]] = [['edge'], ['edge', 'fanout']];
  const server: GrpcServer = await startGrpcServer({
    ...{ host: HOST, port: 0, log: createSilentLog(), metrics },
    digests: digestServiceKeys(Object.values(KEYS)),
    services: [
      registerService(
        service,
        {
          ...handlers,
          async submitScores({ submissions }, { deadline, caller }) {
            const size = submissions.length;
            asked.push({ size, remainingMs: deadline.remainingMs(), caller });
            if (size === 0) throw new AppError('BATCH_SIZE_INVALID');
            if (held.has(size)) await new Promise<void>((resolve) => holding.set(size, resolve));
            return { outcomes: submissions.map(() => ({})), boards: [] };
          },
        },
        {
          ...{ submitScore: edge, submitScores: edge },
          ...{ getTop: readers, getRank: readers, listAround: readers, getPlaces: readers },
        },
      ),
    ],
  });
  opened.push(() => server.stop());
  return {
    ...{ asked, held, metrics, address: `${HOST}:${server.port}`, stop: () => server.stop() },
    letGo(size: number) {
      held.delete(size);
      holding.get(size)?.();
    },
  };
}

function connect(
  address: string,
  { as = 'edge', renewAfterMs = 60_000 }: { as?: keyof typeof KEYS; renewAfterMs?: number } = {},
) {
  const client = createGrpcClient(ScoreService, {
    ...{ address, serviceKey: KEYS[as], unavailable: 'SCORE_UNAVAILABLE', conversations: ['submitScores'] },
    sessions: { renewAfterMs, leaveAfterMs: 60_000 },
  });
  opened.push(() => client.close());
  const ask = async (size: number, options = call) => {
    const submissions = Array.from({ length: size }, () => ({}));
    return (await client.submitScores({ submissions }, options)).outcomes.length;
  };
  return { client, ask };
}

test('each request gets its own answer, also when a later one is ready first', async () => {
  const server = await startServer();
  const { ask } = connect(server.address);
  server.held.add(1);
  const answers = [ask(1), ask(2), ask(3)];
  await waitFor(() => server.asked.length === 3 || undefined);
  server.letGo(1);
  expect(await Promise.all(answers)).toEqual([1, 2, 3]);
  for (const { caller, remainingMs } of server.asked) {
    expect(caller).toBe('edge');
    expect(remainingMs).toBeGreaterThan(call.limitMs - BUSY_MS);
    expect(remainingMs).toBeLessThanOrEqual(call.limitMs);
  }
  expect(await server.metrics.text()).toMatch(
    /grpc_server_seconds_count\{.*method="SubmitScores",code="0"\} 3/,
  );
});

test('a caller without the right gets a refusal with the reason', async () => {
  const server = await startServer();
  await expect(connect(server.address, { as: 'fanout' }).ask(1)).rejects.toMatchObject({
    reason: 'CALLER_NOT_ALLOWED',
  });
  expect(server.asked).toEqual([]);
  // In the conversation, and when it then called for its own verdict.
  expect(await server.metrics.text()).toMatch(
    /grpc_server_seconds_count\{.*method="SubmitScores",code="7"\} 2/,
  );
});

test('a refusal of one request has its reason, and the next one is answered', async () => {
  const server = await startServer();
  const { ask } = connect(server.address);
  await expect(ask(0)).rejects.toMatchObject({ reason: 'BATCH_SIZE_INVALID' });
  expect(await ask(2)).toBe(2);
});

test('a refusal is that of the request that it was meant for', async () => {
  const server = await startServer();
  const { ask } = connect(server.address);
  server.held.add(1);
  const answers = [ask(1), ask(0), ask(2)].map((answer) => answer.catch((error: AppError) => error.reason));
  await waitFor(() => server.asked.length === 3 || undefined);
  // The time that the first request takes of the others.
  const askedMs = performance.now();
  await waitFor(() => performance.now() - askedMs > 100 || undefined);
  server.letGo(1);
  expect(await Promise.all(answers)).toEqual([1, 'BATCH_SIZE_INVALID', 2]);
  // The calls that followed had the time that was left, not a time of their own.
  const later = server.asked.slice(3);
  expect(later.length).toBeGreaterThan(0);
  for (const { remainingMs } of later) expect(remainingMs).toBeLessThan(call.limitMs - 90);
});

test('a request that waits too long is refused, and the next one does not wait behind it', async () => {
  const server = await startServer();
  const { ask } = connect(server.address);
  server.held.add(1);
  await expect(ask(1, { limitMs: 50 })).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  expect(await ask(2)).toBe(2);
});

test('a server that stops answers what it was asked, and its end is no end of the client', async () => {
  const server = await startServer();
  const { ask } = connect(server.address);
  server.held.add(1);
  const answer = ask(1);
  await waitFor(() => server.asked.length === 1 || undefined);
  const stopping = server.stop();
  server.letGo(1);
  expect(await answer).toBe(1);
  await stopping;
  await expect(ask(2)).rejects.toMatchObject({ reason: 'SCORE_UNAVAILABLE' });
});

test('an old connection is left for a new one, and nothing that was asked over it is lost', async () => {
  const server = await startServer();
  const { ask } = connect(server.address, { renewAfterMs: 1 });
  server.held.add(1);
  const first = ask(1);
  await waitFor(() => server.asked.length === 1 || undefined);
  // It does not wait behind the first one, so it went over another stream.
  expect(await ask(2)).toBe(2);
  server.letGo(1);
  expect(await first).toBe(1);
});

test('no more requests of one caller are read than may wait', async () => {
  const server = await startServer();
  const { ask } = connect(server.address);
  server.held.add(1);
  const answers = [ask(1), ...Array.from({ length: 199 }, () => ask(2))];
  await waitFor(() => server.asked.length >= 64 || undefined);
  // What was read meanwhile would be here by the time of an answer to somebody else.
  await connect(server.address).ask(3);
  expect(server.asked.length).toBeLessThan(100);
  server.letGo(1);
  expect(await Promise.all(answers)).toEqual([1, ...Array.from({ length: 199 }, () => 2)]);
});

test('a server of a version that knows no conversation is called instead', async () => {
  const methods = ScoreService.methods.filter(({ methodKind }) => methodKind === 'unary');
  const server = await startServer({ ...ScoreService, methods });
  const { ask } = connect(server.address);
  expect(await ask(1)).toBe(1);
  expect(await ask(2)).toBe(2);
});
