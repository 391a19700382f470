/** A stack on IPv6 addresses: every address that is bound, dialled or printed has the correct form. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { submit } from '../../support/clients/edge-client.ts';
import { rankedAnswer } from '../../support/clients/sent-again.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';

let stack: StackProcesses;

beforeAll(async () => {
  stack = await startStackProcesses({ env: { HOST: '[::1]', INTERNAL_HOST: '::' } });
});

afterAll(async () => {
  await stack?.stop();
});

it('serves the page, takes scores, and answers the command line', async () => {
  const { addresses } = stack.stack();
  expect(addresses).toMatchObject({
    edgeUrl: `http://[::1]:${stack.env.EDGE_PORT}`,
    fanoutUrl: `ws://[::1]:${stack.env.FANOUT_PORT}/live`,
    authAddress: `[::1]:${stack.env.AUTH_PORT}`,
  });
  const token = (await stack.cli(['token', 'alice'])).stdout.trim();
  const signature = (await stack.cli(['sign', 'alice', 'a1', '5'])).stdout.trim();
  const { body } = await rankedAnswer(() =>
    submit(addresses?.edgeUrl ?? '', token, { actionId: 'a1', points: 5, signature }),
  );
  expect(body).toEqual({ newScore: 5, rank: 1 });
  expect(await stack.cli(['status'])).toMatchObject({ code: 0 });
});

it('binds the public ports only to HOST', async () => {
  await expect(fetch(`${stack.edgeUrl}/healthz`)).rejects.toThrow();
});

it('warns that service keys cross the network, at the terminal and in the log', async () => {
  expect(stack.output()).toContain('INTERNAL_HOST opens auth, score and rank to other machines');
  const log = await readFile(join(stack.dataDir, 'logs', 'auth.log'), 'utf8');
  expect(log).toContain('service keys cross the network in clear text');
});
