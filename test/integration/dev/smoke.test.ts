/** `npm run smoke` against a started stack: it passes, and it names each step whose answer is not right. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { ask, bearer } from '../../support/clients/edge-client.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';

const STEPS = [
  ...['health', 'sign-in', 'socket', 'score', 'repeat', 'rank', 'board', 'update', 'bad token', 'bad body'],
];
/** For runs that are to pass on a busy machine, and for those whose failed step tries until the end. */
const PATIENT = ['--limit', '60'];
const IMPATIENT = ['--limit', '5'];
/** They try again until the end. */
const WAITING = ['health', 'rank', 'board', 'update'];

interface Result {
  readonly ok: boolean;
  readonly steps: readonly { step: string; ok: boolean; ms: number; note: string }[];
}

let stack: StackProcesses;
const closing: { close(): unknown }[] = [];

beforeAll(async () => {
  stack = await startStackProcesses();
});

afterAll(async () => {
  for (const each of closing) each.close();
  await stack?.stop();
});

const smoke = (url: string, ...options: string[]) => stack.cli(['smoke', url, ...options]);

async function scoreOf(player: string): Promise<number> {
  const token = await stack.token(player);
  const { body } = await ask(`${stack.edgeUrl}/api/v1/leaderboards/global/me`, { headers: bearer(token) });
  return Number(body.score);
}

/** Resolves with the address. */
async function listen(server: Server): Promise<string> {
  closing.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

type Spoil = (
  path: string,
  status: number,
  text: string,
  count: number,
) => readonly [number, string] | undefined;

/** An edge whose answers are changed: what `spoil` returns replaces the answer. It drops the header of a repeat on request. */
function spoiled(spoil: Spoil, dropsReplay = false): Promise<string> {
  const counts = new Map<string, number>();
  const forward = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    const body = await buffer(request);
    const { authorization, 'content-type': type } = request.headers;
    const answer = await fetch(`${stack.edgeUrl}${path}`, {
      method: request.method ?? 'GET',
      headers: { ...(authorization && { authorization }), ...(type && { 'content-type': type }) },
      ...(body.length > 0 && { body }),
    });
    const text = await answer.text();
    const count = (counts.get(path) ?? 0) + 1;
    counts.set(path, count);
    const [status, changed] = spoil(path, answer.status, text, count) ?? [answer.status, text];
    const replay = answer.headers.get('idempotent-replayed');
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(replay !== null && !dropsReplay && { 'idempotent-replayed': replay }),
    });
    response.end(changed);
  };
  return listen(createServer((request, response) => void forward(request, response)));
}

/** A live board that shows no score. */
async function silentLive(): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'scoreboard.v1' });
  sockets.on('connection', (socket) =>
    socket.send(JSON.stringify({ event: 'score:snapshot', leaderboardId: 'global', leaderboard: [] })),
  );
  closing.push({ close: () => sockets.clients.forEach((socket) => void socket.terminate()) });
  return (await listen(server)).replace('http', 'ws');
}

describe('a deployment that works', () => {
  it('passes every step, a line each with its time, and the score counts once', async () => {
    const { code, stdout, stderr } = await smoke(stack.edgeUrl, '--points', '7', ...PATIENT);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => /^ok {3}(.{10}) +\d+ ms {2}\S/.exec(line)?.[1]?.trim())).toEqual(STEPS);
    expect(await scoreOf('smoke')).toBe(7);
  });

  it('passes again, with --json as one line', async () => {
    const before = await scoreOf('smoke');
    const { code, stdout } = await smoke(`${stack.edgeUrl}/`, '--json', ...PATIENT);
    const { ok, steps } = JSON.parse(stdout) as Result;
    expect({ code, ok, lines: stdout.trimEnd().split('\n').length }).toEqual({ code: 0, ok: true, lines: 1 });
    expect(steps.map(({ step }) => step)).toEqual(STEPS);
    expect(await scoreOf('smoke')).toBe(before + 1);
  });

  it('passes with a token and a signature of a game server, without a way to auth', async () => {
    const token = (await stack.cli(['token', 'visitor'])).stdout.trim();
    const signature = (await stack.cli(['sign', 'visitor', 'smoke-1', '5'])).stdout.trim();
    const given = ['--token', token, '--action', 'smoke-1', '--signature', signature, '--points', '5'];
    const env = { DATA_DIR: '/nonexistent' };
    const run = () => stack.cli(['smoke', stack.edgeUrl, ...given, ...PATIENT], '', env);
    expect(await run()).toMatchObject({ code: 0, stderr: '' });
    // The action has counted: it can't show again that a score counts.
    const again = await run();
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^smoke failed at "score": the answer has the score 5 instead of 5 \+ 5/);
  });
});

describe('a step that fails', () => {
  const failing: readonly (readonly [string, () => Promise<string[]>])[] = [
    ['health', async () => [await spoiled((path) => (path === '/readyz' ? [503, '{}'] : undefined))]],
    ['sign-in', async () => [stack.edgeUrl, '--token', 'x.y.z', '--action', 'a', '--signature', 's']],
    ['socket', async () => [stack.edgeUrl, '--live', (await spoiled(() => undefined)).replace('http', 'ws')]],
    [
      'score',
      async () => [
        await spoiled((path, status, text) =>
          path.endsWith('/update') ? [status, bySeven(text)] : undefined,
        ),
      ],
    ],
    ['repeat', async () => [await spoiled(() => undefined, true)]],
    [
      'rank',
      async () => [
        await spoiled((path, status, text, count) =>
          path.endsWith('/me') && count > 1 ? [status, text.replace(/"rank":\d+/, '"rank":0')] : undefined,
        ),
      ],
    ],
    ['board', async () => [await spoiled((path) => (path.includes('/entries') ? [200, '{}'] : undefined))]],
    ['update', async () => [stack.edgeUrl, '--live', await silentLive()]],
    [
      'bad token',
      async () => [await spoiled((_, status, text) => (status === 401 ? [200, text] : undefined))],
    ],
    ['bad body', async () => [await spoiled((_, status) => (status === 400 ? [400, 'no'] : undefined))]],
  ];
  const bySeven = (text: string) =>
    text.replace(/"newScore":(\d+)/, (_, score) => `"newScore":${+score + 7}`);

  it.each(failing)('is named: %s', async (step, start) => {
    const limit = WAITING.includes(step) ? IMPATIENT : PATIENT;
    const { code, stdout, stderr } = await smoke(...((await start()) as [string]), '--json', ...limit);
    const { ok, steps } = JSON.parse(stdout) as Result;
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(stderr).toMatch(`smoke failed at "${step}": `);
    // Nothing follows it.
    expect(steps.map((each) => each.step)).toEqual(STEPS.slice(0, STEPS.indexOf(step) + 1));
    expect(steps.map((each) => each.ok)).toEqual(steps.map((_, at) => at < steps.length - 1));
  });
});

describe('wrong arguments', () => {
  it.each([
    [['smoke']],
    [['smoke', 'localhost:8080']],
    [['smoke', 'http://localhost:8080', '--token', 'x']],
    [['smoke', 'http://localhost:8080', '--points', '0']],
  ])('%j end with exit code 2', async (words) => {
    expect((await stack.cli(words)).code).toBe(2);
  });
});
