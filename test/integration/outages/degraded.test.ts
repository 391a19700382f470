/** The whole product while one of its parts is held by SIGSTOP: what each still does, says, and how it comes back by itself. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ask, bearer } from '../../support/clients/edge-client.ts';
import { type LiveClient, openLive } from '../../support/clients/live-client.ts';
import { pauseProcess, resumeProcess } from '../../support/processes/pause-process.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { BUSY_MS, waitFor } from '../../support/wait-for.ts';

/** By rule, for every answer. */
const ANSWER_LIMIT_MS = 2_000 + BUSY_MS;
const ACTIONS = 500;

let stack: StackProcesses;
let token: string;
let signatures: string[];
let watcher: LiveClient;
let used = 0;
let held: number | undefined;

beforeAll(async () => {
  // A busy machine still tells the rank in time.
  stack = await startStackProcesses({ env: { RANK_WAIT_MS: '500' } });
  token = await stack.token('ada');
  const actions = Array.from({ length: ACTIONS }, (_, n) => `ada a${n} 1`).join('\n');
  signatures = (await stack.cli(['sign', '-'], actions)).stdout.trim().split('\n');
  watcher = await openLive(stack.fanoutUrl);
  expect((await submit(next())).status).toBe(200);
});

afterEach(() => {
  if (held !== undefined) resumeProcess(held);
  held = undefined;
});

afterAll(async () => {
  watcher?.close();
  await stack?.stop();
});

function hold(name: string): void {
  const pid = stack.stack().processes[name]?.pid;
  if (pid === undefined) throw new Error(`the stack has no process ${name}`);
  pauseProcess(pid);
  held = pid;
}

function letGo(): void {
  if (held !== undefined) resumeProcess(held);
  held = undefined;
}

const next = () => {
  used += 1;
  return used - 1;
};

/** The answer to an action, and how long it took. */
async function submit(n: number) {
  const started = performance.now();
  const answer = await ask(`${stack.edgeUrl}/api/v1/score/update`, {
    method: 'POST',
    headers: { ...bearer(token), 'content-type': 'application/json' },
    body: JSON.stringify({ actionId: `a${n}`, points: 1, signature: signatures[n] }),
  });
  return { ...answer, tookMs: performance.now() - started };
}

const top = () => ask(`${stack.edgeUrl}/api/v1/scoreboard/top`);
const me = () => ask(`${stack.edgeUrl}/api/v1/scoreboard/me`, { headers: bearer(token) });
const isStale = ({ headers }: { headers: Headers }) => headers.has('x-scoreboard-stale');
/** The newest board on the screen. Each action is one point of the only player. */
const shown = () => watcher.frames.findLast(({ leaderboard }) => leaderboard !== undefined);

/** After a fault: every action counts exactly once, and everybody sees it, fresh. */
async function expectHealed(): Promise<void> {
  for (let n = 0; n < used; n += 1) {
    await waitFor(async () => (await submit(n)).status === 200 || undefined, { describe: `action ${n}` });
  }
  await waitFor(async () => {
    const answer = await top();
    return (!isStale(answer) && answer.body[0]?.score === used) || undefined;
  });
  await waitFor(() => shown()?.leaderboard?.[0]?.score === used || undefined);
  await waitFor(
    () => watcher.frames.findLast(({ stale }) => stale !== undefined)?.stale === false || undefined,
  );
}

test('Postgres: writes are refused in time with when to come back, boards stay and say that they are stale', async () => {
  hold('postgres');
  const first = await submit(next());
  expect([503, 504]).toContain(first.status);
  expect(first.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
  const refused = await waitFor(async () => {
    const answer = await submit(next());
    expect(answer.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
    return answer.body.reason === 'STORE_UNAVAILABLE' ? answer : undefined;
  });
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const known = await waitFor(async () => {
    const answer = await top();
    return isStale(answer) ? answer : undefined;
  });
  expect(known).toMatchObject({ status: 200, body: [{ username: 'ada' }] });
  const place = await me();
  expect(place.status).toBe(200);
  expect(isStale(place)).toBe(true);
  const connect = await ask(`${stack.edgeUrl}/scoreboard.edge.v1.ScoreboardService/GetTop`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(connect.body).toMatchObject({ stale: true });
  await waitFor(() => watcher.frames.findLast(({ stale }) => stale !== undefined)?.stale || undefined);
  expect((await ask(`${stack.edgeUrl}/readyz`)).status).toBe(200);
  letGo();
  await expectHealed();
});

test('Redis: scores are taken with their rank, and boards are read', async () => {
  hold('redis');
  for (let n = 0; n < 10; n += 1) {
    const answer = await submit(next());
    expect(answer).toMatchObject({ status: 200, body: { newScore: used, rank: 1 } });
    expect(answer.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
    expect((await top()).status).toBe(200);
  }
  letGo();
  await expectHealed();
});

test('NATS: scores are taken, and reach every screen by polling', async () => {
  hold('nats');
  for (let n = 0; n < 5; n += 1) {
    const answer = await submit(next());
    expect(answer).toMatchObject({ status: 200, body: { newScore: used } });
    expect(answer.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
    await waitFor(() => shown()?.leaderboard?.[0]?.score === used || undefined);
  }
  letGo();
  await expectHealed();
});

test('auth: tokens are verified as ever, and what needs a signature is refused in time', async () => {
  hold('auth');
  expect(await me()).toMatchObject({ status: 200 });
  const refused = await submit(next());
  expect([503, 504]).toContain(refused.status);
  expect(refused.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
  letGo();
  await expectHealed();
});

test('score: submissions are refused in time, and boards go on', async () => {
  await top();
  hold('score');
  const refused = await submit(next());
  expect([503, 504]).toContain(refused.status);
  expect(refused.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
  expect([(await top()).status, isStale(await top()), (await me()).status]).toEqual([200, false, 200]);
  expect((await ask(`${stack.edgeUrl}/readyz`)).status).toBe(200);
  letGo();
  await expectHealed();
});

test('rank: scores are taken without a rank, and the last board is shown as stale', async () => {
  await top();
  hold('rank');
  for (let n = 0; n < 5; n += 1) {
    const answer = await submit(next());
    expect(answer).toMatchObject({ status: 200, body: { newScore: used, rank: 0 } });
    expect(answer.tookMs).toBeLessThan(ANSWER_LIMIT_MS);
  }
  await waitFor(async () => isStale(await top()) || undefined);
  await waitFor(() => watcher.frames.findLast(({ stale }) => stale !== undefined)?.stale || undefined);
  const place = await me();
  expect([503, 504]).toContain(place.status);
  expect((await ask(`${stack.edgeUrl}/readyz`)).status).toBe(200);
  letGo();
  await expectHealed();
});

test('fan-out: after it was held, the first frame is the newest board and not what it missed', async () => {
  hold('fanout');
  const before = watcher.frames.length;
  for (let n = 0; n < 20; n += 1) expect((await submit(next())).status).toBe(200);
  letGo();
  await waitFor(() => shown()?.leaderboard?.[0]?.score === used || undefined);
  expect(watcher.frames.length - before).toBeLessThan(10);
  await expectHealed();
});
