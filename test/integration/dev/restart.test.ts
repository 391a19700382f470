import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

let stack: StackProcesses;
let score = 0;

beforeAll(async () => {
  stack = await startStackProcesses();
});

afterAll(async () => {
  await stack?.stop();
});

it.each(['auth', 'score', 'rank', 'edge', 'fanout', 'game', 'redis', 'nats', 'postgres'])(
  'a killed process is replaced at the same address, and scores are accepted again: %s',
  async (name) => {
    const before = stack.stack().processes[name];
    stack.killProcess(name);
    const after = await waitFor(() => {
      const now = stack.stack().processes[name];
      return now?.pid === before?.pid ? undefined : now;
    });
    expect(after).toEqual({ ...before, pid: after.pid });
    expect(stack.output()).toContain(`${name}: it ended with SIGKILL; restarting it\n`);
    await waitFor(async () => (await stack.isReady()) || undefined);
    score += 10;
    // The same action, until it is answered: a connection that broke is noticed by its next use.
    const counts = { newScore: score, rank: 1 };
    await waitFor(async () => {
      const answer = await stack.submit('alice', `after-${name}`, 10);
      return isDeepStrictEqual(answer, counts) || undefined;
    });
  },
);
