/** Every process of the product restarted one after another, under load: a client that follows the retry rule loses nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ScoreboardLink } from '../../edge/web/client/scoreboard-link.ts';
import { openWebSocket } from '../../edge/web/client/socket-port.ts';
import { createScorePoster } from '../../services/game/simulate/post-score.ts';
import { type StackProcesses, startStackProcesses } from '../support/processes/stack-processes.ts';
import { waitFor } from '../support/wait-for.ts';

const PLAYERS = 10;
/** More than are sent while everything restarts. */
const ACTIONS = 1_500;
/** Between two actions of a player: together some two hundred a second. */
const PACE_MS = 50;
const RESTART_LIMIT_MS = 30_000;
const NAMES = ['auth', 'rank', 'edge', 'fanout', 'score', 'game', 'redis', 'nats', 'postgres', 'score'];

interface Player {
  readonly userId: string;
  readonly token: string;
  readonly signatures: readonly string[];
  accepted: number;
}

let stack: StackProcesses;
let players: Player[];
const failures: string[] = [];

beforeAll(async () => {
  stack = await startStackProcesses();
  players = await preparePlayers();
});

afterAll(async () => {
  await stack?.stop();
});

const lines = (text: string) => text.trim().split('\n');

async function preparePlayers(): Promise<Player[]> {
  const names = Array.from({ length: PLAYERS }, (_, n) => `player-${n}`);
  const actions = names.flatMap((name) => Array.from({ length: ACTIONS }, (_, n) => `${name} a${n} 1`));
  const [tokens, signatures] = await Promise.all([
    stack.cli(['token', '-'], names.join('\n')),
    stack.cli(['sign', '-'], actions.join('\n')),
  ]);
  const signed = lines(signatures.stdout);
  return names.map((userId, n) => ({
    userId,
    token: lines(tokens.stdout)[n] ?? '',
    signatures: signed.slice(n * ACTIONS, (n + 1) * ACTIONS),
    accepted: 0,
  }));
}

/** Plays until told to stop. Each action is sent by the documented rule, the next only when it is answered. */
async function play(player: Player, poster: ReturnType<typeof createScorePoster>, stop: AbortSignal) {
  const never = new AbortController().signal;
  for (const [n, signature] of player.signatures.entries()) {
    if (stop.aborted) return;
    const action = { token: player.token, actionId: `a${n}`, points: 1, signature };
    const sent = await poster.post(action, never);
    if (sent.accepted) player.accepted += 1;
    else failures.push(`${player.userId} a${n}: ${sent.reason}`);
    // The pace of the load.
    await pause(PACE_MS);
  }
}

const processOf = (name: string) => stack.stack().processes[name];

async function restart(name: string): Promise<void> {
  const before = processOf(name);
  if (before === undefined) throw new Error(`the stack has no process ${name}`);
  // A fast shutdown of Postgres is SIGINT; everything else drains by SIGTERM.
  process.kill(before.pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  await waitFor(() => (processOf(name)?.pid === before.pid ? undefined : true), {
    limitMs: RESTART_LIMIT_MS,
    describe: `another process for ${name}`,
  });
  await everythingIsWell();
}

/** Ready, and without missing anything that it can do without for a while. */
async function everythingIsWell(): Promise<void> {
  for (const { adminPort } of Object.values(stack.stack().processes)) {
    if (adminPort === undefined) continue;
    await waitFor(
      async () => {
        const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
        if (response?.ok !== true) return undefined;
        const { dependencies = {} } = (await response.json()) as { dependencies?: Record<string, boolean> };
        return Object.values(dependencies).every(Boolean) || undefined;
      },
      { limitMs: RESTART_LIMIT_MS, describe: 'a process that is well' },
    );
  }
}

test('no submission fails, every score counts exactly once, and watchers end with the right board', async () => {
  const stop = new AbortController();
  const poster = createScorePoster({
    edgeUrl: new URL(stack.edgeUrl),
    leaderboard: 'global',
    random: Math.random,
  });
  const link = new ScoreboardLink(
    { url: stack.fanoutUrl },
    {
      open: openWebSocket,
      random: Math.random,
      network: { online: () => true, onWake: () => () => {} },
    },
  );
  const playing = players.map((player) => play(player, poster, stop.signal));
  for (const name of NAMES) {
    await restart(name);
    // As an operator would: on to the next when every player is served again. A client's retries last for one restart.
    const accepted = players.map((player) => player.accepted);
    await waitFor(
      () => players.every((player, n) => player.accepted >= (accepted[n] ?? 0) + 2) || undefined,
      { describe: `every player served after the restart of ${name}` },
    );
  }
  stop.abort();
  await Promise.all(playing);
  poster.close();

  expect(failures).toEqual([]);
  const board = await waitFor(async () => {
    const shown = link.board;
    const isRight = players.every(({ userId, accepted }) =>
      shown?.entries.some((entry) => entry.userId === userId && entry.score === accepted),
    );
    return isRight && link.state.status === 'live' ? shown : undefined;
  });
  expect(board?.entries).toHaveLength(PLAYERS);
  link.close();
  const verified = await stack.cli(['verify']);
  expect(verified).toMatchObject({ code: 0, stdout: `${PLAYERS} players on 1 boards compared: 0 differ\n` });
  expect((await stack.cli(['outbox', 'list'])).stdout).toContain('0 pending, 0 dead');
});
