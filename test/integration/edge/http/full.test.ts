/** The edge's door while as many submissions wait as it takes: what it refuses there, it refuses before it looks at it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpConnection, openHttpConnection } from '../../../bench/generator/http-connection.ts';
import { submitRequest } from '../../../bench/generator/requests.ts';
import { type Answer, ask, speak, submit } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

/** 1,000 wait and two calls of 500 are on their way; with some more it is always full. A player each, since one gets half. */
const CROWD = 2_050;
const BACK_AFTER_MS = 20;
const GRPC_WEB = { 'content-type': 'application/grpc-web+proto' };

let world: EdgeWorld;
let isOver = false;
let crowd: HttpConnection[];
let pressing: Promise<unknown>;
const statuses: Record<number, number> = {};

beforeAll(async () => {
  world = await startEdgeWorld({ env: { RATE_USER_PER_S: '1000000', RATE_USER_BURST: '1000000' } });
  const tokens = await Promise.all(Array.from({ length: CROWD }, (_, at) => world.token(`p${at}`)));
  crowd = Array.from({ length: CROWD }, () => openHttpConnection(Number(new URL(world.base).port)));
  for (let at = 0; at < CROWD; at += 100)
    await Promise.all(crowd.slice(at, at + 100).map((one) => one.open()));
  world.score.hold();
  pressing = Promise.all(crowd.map((one, at) => press(one, tokens[at] ?? '', `a${at}`)));
  await waitFor(async () => (await withoutToken()).status === 429 || undefined);
});

afterAll(async () => {
  for (const one of crowd ?? []) one.close();
  await world?.stop();
});

async function press(connection: HttpConnection, token: string, actionId: string): Promise<void> {
  const action = { actionId, points: 1, signature: GOOD_SIGNATURE };
  const request = submitRequest('rest', { userId: actionId, token }, action);
  while (!isOver) {
    const status = await new Promise<number>((resolve) => connection.send(request, resolve));
    statuses[status] = (statuses[status] ?? 0) + 1;
    // The pace of the crowd, which shares this process with the edge that it fills.
    await new Promise((resolve) => setTimeout(resolve, BACK_AFTER_MS));
  }
}

const withoutToken = () => submit(world.base, undefined, { actionId: 'late' });
const connect = (headers: Record<string, string>, body: string | Buffer): Promise<Answer> =>
  ask(`${world.base}/scoreboard.edge.v1.ScoreboardService/SubmitScore`, { method: 'POST', headers, body });
/** Between two batches there is room for a moment, and who comes in then hears what is wrong with the request itself. */
const refusedAtTheDoor = (attempt: () => Promise<Answer>) =>
  waitFor(async () => {
    const answer = await attempt();
    return answer.status === 429 ? answer : undefined;
  });

test('the token of a request that is refused by a full queue is not verified, by REST and by Connect', async () => {
  const refusal = { code: 'resource_exhausted', reason: 'OVERLOADED' };
  const byRest = await refusedAtTheDoor(withoutToken);
  expect(byRest.body).toMatchObject(refusal);
  expect(byRest.headers.get('retry-after')).toBe('1');
  const byConnect = await refusedAtTheDoor(() => connect({ 'content-type': 'application/json' }, '{}'));
  expect(byConnect.body).toMatchObject({
    ...refusal,
    details: [{ type: 'scoreboard.error.v1.ErrorDetail' }],
  });
  expect(byConnect.headers.get('retry-after')).toBe('1');
});

test('a gRPC-web call passes the check, because its refusal has to be inside its answer', async () => {
  // A message of no bytes.
  const answer = await connect(GRPC_WEB, Buffer.alloc(5));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('grpc-status') ?? answer.text).toMatch(/16/);
});

test('a connection stays open if its request was refused before its body arrived', async () => {
  await waitFor(async () => {
    const head = 'POST /api/v1/score/update HTTP/1.1\r\nHost: edge\r\nContent-Length: 4\r\n\r\n';
    const rest = 'bodyGET /healthz HTTP/1.1\r\nHost: edge\r\n\r\n';
    const { port } = new URL(world.base);
    const { heard } = await speak(
      Number(port),
      [head, rest],
      (all) => all.includes('{"status":"ok"}') || all.includes('401'),
    );
    return heard.includes(' 429 ') && heard.includes('{"status":"ok"}') ? true : undefined;
  });
});

test('every request is answered, and a refused one can be sent again', async () => {
  isOver = true;
  world.score.release();
  await pressing;
  expect(
    Object.keys(statuses).every((status) => ['200', '429', '504'].includes(status)),
    JSON.stringify(statuses),
  ).toBe(true);
  const again = await submit(world.base, await world.token('alice'), { actionId: 'again' });
  expect(again.status).toBe(200);
});
