/** `npm run simulate` as its users run it, against the whole product. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../../support/clients/edge-client.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

const ENTRY = fileURLToPath(new URL('../../../services/game/simulate-main.ts', import.meta.url));

let stack: StackProcesses;
beforeAll(async () => {
  stack = await startStackProcesses();
});
afterAll(() => stack.stop());

function startCrowd(words: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [ENTRY, ...words.split(' ')], {
    env: { ...process.env, ...stack.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part) => {
      output += part;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, ended, output: () => output };
}

const acceptedIn = (output: string) =>
  Number(/^([\d,]+) accepted in/m.exec(output)?.[1]?.replaceAll(',', ''));

async function topScores(leaderboard: string): Promise<{ username: string; score: number }[]> {
  return (await ask(`${stack.edgeUrl}/api/v1/scoreboard/top?leaderboard=${leaderboard}`)).body;
}

describe('the simulation', () => {
  test('earns points on the given board and prints a summary', async () => {
    const crowd = startCrowd('--players 5 --rate 50 --seconds 2 --leaderboard crowd');
    expect(await crowd.ended).toBe(0);
    expect(crowd.output()).toMatch(/^ +1 s {2}accepted \d+ {2}refused 0 {2}in flight \d+ {2}p50 /m);
    expect(acceptedIn(crowd.output())).toBeGreaterThan(20);
    const top = await topScores('crowd');
    expect(top).toHaveLength(5);
    expect(top.every(({ username, score }) => /^[A-Z][a-z]+[A-Z][a-z]+$/.test(username) && score > 0)).toBe(
      true,
    );
  });

  test('loses no score when an edge dies: every action is sent again, unchanged', async () => {
    const crowd = startCrowd('--players 20 --rate 50 --leaderboard crash');
    await waitFor(() => (/accepted [1-9]/.test(crowd.output()) ? true : undefined));
    const accepted = () => Number(/.*accepted ([\d,]+)/s.exec(crowd.output())?.[1]?.replaceAll(',', ''));
    stack.killProcess('edge');
    const before = accepted();
    await waitFor(() => (accepted() > before + 50 ? true : undefined));
    crowd.child.kill('SIGINT');
    expect(await crowd.ended).toBe(0);
    expect(acceptedIn(crowd.output())).toBeGreaterThan(before + 50);
    expect(crowd.output()).not.toMatch(/ refused: /);
  });

  test('exits with 1 if no score was accepted', async () => {
    const crowd = startCrowd('--rate 5 --seconds 1', { SERVICE_KEY: 'game.wrong' });
    expect(await crowd.ended).toBe(1);
    expect(crowd.output()).toMatch(/refused: SERVICE_KEY_INVALID/);
  });

  test('sends nothing to another machine and says which option permits it', async () => {
    const crowd = startCrowd('--rate 5', { EDGE_URL: 'http://192.0.2.1' });
    expect(await crowd.ended).toBe(2);
    expect(crowd.output()).toContain('--allow-remote');
  });
});
