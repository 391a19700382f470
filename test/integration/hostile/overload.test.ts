/**
 * Far more than the product can take, for some seconds, and then a normal load: what is refused is refused in words that say
 * when to come back, nothing acknowledged is lost, nobody ends, and all is normal again without a restart.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpConnection, openHttpConnection } from '../../bench/generator/http-connection.ts';
import { submitRequest } from '../../bench/generator/requests.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

const PLAYERS = 50;
/** More than are accepted in all phases together, so that there is always something new to count. */
const ACTIONS_EACH = 1_600;
/** Beyond what the product keeps waiting, some 2,000, so that it must refuse. */
const CROWD = 3_000;
/** What it takes with ease. */
const FEW = 32;
const NORMAL_MS = 1_500;
const FLOOD_MS = 3_000;
/** In a row, each answered in time: then times are normal. */
const CALM_ANSWERS = 200;
const CALM_ANSWER_MS = 500;
/** Accepted while the crowd asks: counting goes on, however busy the machine is. */
const LEAST_ACCEPTED = 200;
const FLOOD_LIMIT_MS = 30_000;
/** Of those that were acknowledged, sent once more in the end. */
const REPEATED = 1_000;
const portOf = (url: string) => Number(new URL(url).port);

interface Action {
  readonly player: number;
  readonly request: Buffer;
  acknowledged: boolean;
}

let stack: StackProcesses;
let tokens: string[];
let actions: Action[];
let next = 0;

beforeAll(async () => {
  // The limits of a player are not what is tested here.
  stack = await startStackProcesses({ env: { RATE_USER_PER_S: '1000000', RATE_USER_BURST: '1000000' } });
  const names = Array.from({ length: PLAYERS }, (_, n) => `player-${n}`);
  const wanted = Array.from({ length: PLAYERS * ACTIONS_EACH }, (_, n) => ({
    player: n % PLAYERS,
    actionId: `a${Math.floor(n / PLAYERS)}`,
  }));
  const lines = wanted.map(({ player, actionId }) => `${names[player]} ${actionId} 1`);
  const [issued, signatures] = await Promise.all([askForAll('token', names), askForAll('sign', lines)]);
  tokens = issued;
  actions = wanted.map(({ player, actionId }, n) => {
    const who = { userId: names[player] ?? '', token: tokens[player] ?? '' };
    const action = { actionId, points: 1, signature: signatures[n] ?? '' };
    return { player, request: submitRequest('rest', who, action), acknowledged: false };
  });
});

afterAll(async () => {
  await stack?.stop();
});

/** One line for each line given. On a busy machine the command may fail half-way; then it is run again. */
function askForAll(command: 'token' | 'sign', lines: readonly string[]): Promise<string[]> {
  return waitFor(
    async () => {
      const { stdout } = await stack.cli([command, '-'], lines.join('\n'));
      const answers = stdout.trim().split('\n');
      return answers.length === lines.length ? answers : undefined;
    },
    { limitMs: 120_000, describe: `a ${command} for each line` },
  );
}

type Statuses = Record<number, number>;

/** Each connection sends again as soon as it is answered: an action until it counts, then the next. */
async function press(
  connections: number,
  goesOn: (statuses: Statuses, tookMs: number) => boolean,
): Promise<Statuses> {
  const open = Array.from({ length: connections }, () => openHttpConnection(portOf(stack.edgeUrl)));
  for (let at = 0; at < open.length; at += 100) {
    await Promise.all(open.slice(at, at + 100).map((connection) => connection.open()));
  }
  const statuses: Statuses = {};
  const startedMs = performance.now();
  const isPressing = () => goesOn(statuses, performance.now() - startedMs);
  await Promise.all(open.map((connection) => pressOne(connection, statuses, isPressing)));
  for (const connection of open) connection.close();
  return statuses;
}

async function pressOne(connection: HttpConnection, statuses: Statuses, isPressing: () => boolean) {
  let action: Action | undefined;
  while (isPressing()) {
    if (action === undefined || action.acknowledged) action = takeAction();
    const status = await send(connection, action);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
}

function takeAction(): Action {
  const action = actions[next];
  if (action === undefined) throw new Error('more was accepted than had been prepared');
  next += 1;
  return action;
}

/** Each until it is taken, a few at a time. */
async function sendAll(wanted: readonly Action[]): Promise<void> {
  const waiting = [...wanted];
  const sendNext = async (connection: HttpConnection) => {
    for (let action = waiting.shift(); action !== undefined; action = waiting.shift()) {
      const pending = action;
      await waitFor(async () => (await send(connection, pending)) === 200 || undefined);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: FEW }, () => sendNext(openHttpConnection(portOf(stack.edgeUrl)))));
}

async function send(connection: HttpConnection, action: Action): Promise<number> {
  const status = await new Promise<number>((resolve) => connection.send(action.request, resolve));
  if (status === 200) action.acknowledged = true;
  return status;
}

const pids = () =>
  Object.fromEntries(Object.entries(stack.stack().processes).map(([name, { pid }]) => [name, pid]));

/**
 * The crowd asks, and until the first of them is refused the score service stands still: a generator that is slower than the
 * product would not be more than it can take.
 */
async function pressWithoutScore(): Promise<Statuses> {
  const score = stack.stack().processes.score?.pid ?? 0;
  process.kill(score, 'SIGSTOP');
  let isPaused = true;
  const goOn = () => {
    if (isPaused) process.kill(score, 'SIGCONT');
    isPaused = false;
  };
  return press(CROWD, ({ 200: accepted = 0, 429: shed = 0 }, tookMs) => {
    if (shed > 0) goOn();
    return tookMs < FLOOD_MS || (accepted < LEAST_ACCEPTED && tookMs < FLOOD_LIMIT_MS);
  }).finally(goOn);
}

test('more than it can take is refused with a reason, and afterwards all is normal by itself', async () => {
  const before = pids();
  const normal = await press(FEW, (_, tookMs) => tookMs < NORMAL_MS);
  expect(Object.keys(normal)).toEqual(['200']);

  const flood = await pressWithoutScore();
  const { 200: accepted = 0, 429: shed = 0, 503: unavailable = 0, 504: late = 0, ...others } = flood;
  const told = JSON.stringify({ normal, flood });
  expect(others, told).toEqual({});
  expect(shed, told).toBeGreaterThan(0);
  // Refused because there was no room, not because something had broken.
  expect(unavailable + late, told).toBeLessThan(shed);
  expect(accepted, told).toBeGreaterThanOrEqual(LEAST_ACCEPTED);

  const connection = openHttpConnection(portOf(stack.edgeUrl));
  let calm = 0;
  await waitFor(
    async () => {
      const sentMs = performance.now();
      const status = await send(connection, takeAction());
      calm = status === 200 && performance.now() - sentMs < CALM_ANSWER_MS ? calm + 1 : 0;
      return calm === CALM_ANSWERS || undefined;
    },
    { describe: 'normal times' },
  );
  expect(pids()).toEqual(before);

  // By the documented rule every action that was taken counts in the end, and none that counted counts again.
  connection.close();
  const taken = actions.slice(0, next);
  await sendAll(taken.filter(({ acknowledged }) => !acknowledged));
  await sendAll(taken.slice(0, REPEATED));
  for (const [player, token] of tokens.entries()) {
    const response = await fetch(`${stack.edgeUrl}/api/v1/scoreboard/me`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { score } = (await response.json()) as { score: number };
    expect(score).toBe(taken.filter((action) => action.player === player).length);
  }
  const compared = await stack.cli(['verify']);
  expect(compared.stdout).toBe(`${PLAYERS} players on 1 boards compared: 0 differ\n`);
});
