import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StackProcesses, startStackProcesses } from '../../support/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

let stack: StackProcesses;
let score = 0;

beforeAll(async () => {
  stack = await startStackProcesses();
}, 120_000);

afterAll(async () => {
  await stack?.stop();
});

it.each(['auth', 'score', 'rank', 'edge', 'fanout', 'game', 'redis', 'nats', 'postgres'])(
  'a killed process is replaced at the same address, and scores are taken again: %s',
  async (name) => {
    const before = stack.stack().processes[name];
    stack.killProcess(name);
    const after = await waitFor(() => {
      const now = stack.stack().processes[name];
      return now?.pid === before?.pid ? undefined : now;
    });
    expect(after).toEqual({ ...before, pid: after.pid });
    expect(stack.output()).toContain(`${name}: it ended with SIGKILL; starting it again\n`);
    await waitFor(async () => ((await stack.cli(['status'])).code === 0 ? true : undefined));
    score += 10;
    expect(await stack.submit('alice', `after-${name}`, 10)).toEqual({ newScore: score, rank: 1 });
  },
);
