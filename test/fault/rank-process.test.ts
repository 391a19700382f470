/** The rank process killed, or stopped and going on, under load: scores are accepted without ranks, and the outbox brings them. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StackProcesses, startStackProcesses } from '../support/processes/stack-processes.ts';
import { waitFor } from '../support/wait-for.ts';

const PLAYERS = 4;
const ACTIONS = 2_000;
/** Between two actions of a player, whom the edge limits. */
const PACE_MS = 50;
/** Once a fault is over, all that waits is delivered within this. */
const HEALED_MS = 5_000;
/** The edge's limit for a submission, and what a busy machine adds. */
const ANSWERED_MS = 2_500;

interface Player {
  readonly userId: string;
  readonly token: string;
  readonly signatures: string[];
  score: number;
}

interface Answer {
  readonly status: number;
  readonly rank: number;
  readonly tookMs: number;
}

let stack: StackProcesses;
let players: Player[];
let actions = 0;

beforeAll(async () => {
  stack = await startStackProcesses();
  const names = Array.from({ length: PLAYERS }, (_, n) => `player-${n}`);
  const lines = names.flatMap((name) => Array.from({ length: ACTIONS }, (_, n) => `${name} a${n} 1`));
  const [tokens, signatures] = await Promise.all([
    stack.cli(['token', '-'], names.join('\n')),
    stack.cli(['sign', '-'], lines.join('\n')),
  ]);
  const signed = signatures.stdout.trim().split('\n');
  players = names.map((userId, n) => ({
    ...{ userId, token: tokens.stdout.trim().split('\n')[n] ?? '', score: 0 },
    signatures: signed.slice(n * ACTIONS, (n + 1) * ACTIONS),
  }));
});

afterAll(async () => {
  await stack?.stop();
});

/** One more action of each player. */
function sendAll(): Promise<Answer[]> {
  const at = actions;
  actions += 1;
  return Promise.all(
    players.map(async (player) => {
      const started = performance.now();
      const response = await fetch(`${stack.edgeUrl}/api/v1/score/update`, {
        method: 'POST',
        headers: { authorization: `Bearer ${player.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ actionId: `a${at}`, points: 1, signature: player.signatures[at] }),
      });
      const body = (await response.json()) as { newScore: number; rank: number };
      if (response.ok) player.score = body.newScore;
      return { status: response.status, rank: body.rank, tookMs: performance.now() - started };
    }),
  );
}

/** Sends until an answer fits, and gives back all that came. */
async function sendUntil(fits: (answer: Answer) => boolean): Promise<Answer[]> {
  const all: Answer[] = [];
  await waitFor(async () => {
    const answers = await sendAll();
    all.push(...answers);
    // The pace of the load.
    await pause(PACE_MS);
    return answers.some(fits) || undefined;
  });
  return all;
}

async function boardIsRight(): Promise<true | undefined> {
  const response = await fetch(`${stack.edgeUrl}/api/v1/scoreboard/top`);
  if (!response.ok || response.headers.has('x-scoreboard-stale')) return undefined;
  const shown = (await response.json()) as { username: string; score: number }[];
  return (
    players.every(({ userId, score }) =>
      shown.some((entry) => entry.username === userId && entry.score === score),
    ) || undefined
  );
}

async function rankIsReady(): Promise<true | undefined> {
  const url = `http://127.0.0.1:${stack.stack().processes.rank?.adminPort}/readyz`;
  const limit = AbortSignal.timeout(1_000);
  const response = await fetch(url, { signal: limit }).catch(() => undefined);
  return response?.ok || undefined;
}

const rankPid = () => stack.stack().processes.rank?.pid ?? 0;

const signal = (name: NodeJS.Signals) => void process.kill(rankPid(), name);
const FAULTS: readonly [how: string, begin: () => void, end: () => void][] = [
  ['killed', () => void stack.killProcess('rank'), () => {}],
  ['stopped', () => signal('SIGSTOP'), () => signal('SIGCONT')],
];

test.each(FAULTS)(
  'a rank that is %s holds up no score, and its boards are right within five seconds after',
  async (_, begin, end) => {
    const before = await sendUntil(({ rank }) => rank > 0);
    begin();
    const during = await sendUntil(({ rank }) => rank === 0);
    end();
    for (const { status, tookMs } of [...before, ...during]) {
      expect(status).toBe(200);
      expect(tookMs).toBeLessThan(ANSWERED_MS);
    }
    await waitFor(rankIsReady, { describe: 'a rank that is ready' });
    await waitFor(boardIsRight, { limitMs: HEALED_MS, describe: 'the right board' });
    await sendUntil(({ rank }) => rank > 0);
    await waitFor(async () =>
      (await stack.cli(['outbox', 'list'])).stdout.includes('0 pending, 0 dead') ? true : undefined,
    );
    expect(await stack.cli(['verify'])).toMatchObject({
      code: 0,
      stdout: `${PLAYERS} players on 1 boards compared: 0 differ\n`,
    });
  },
);
