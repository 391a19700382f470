/** What an operator takes back at the terminal is worth nothing a moment later: at the edge, and on sockets that are open. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, bearer } from '../../support/clients/edge-client.ts';
import { type LiveClient, openLive } from '../../support/clients/live-client.ts';
import { runCli, type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

let stack: StackProcesses;
beforeAll(async () => {
  stack = await startStackProcesses();
});
afterAll(() => stack.stop());

const cli = async (...args: string[]) => {
  const { code, stdout, stderr } = await stack.cli(args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout.trim();
};
const tokenOf = (user: string) => stack.token(user);
const tokenIdOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti;
/** 404 for a player without a score, whose token is good; 401 for nobody. */
const edgeSays = async (token: string) =>
  (await ask(`${stack.edgeUrl}/api/v1/scoreboard/me`, { headers: bearer(token) })).status;
const gameSays = async (token: string) =>
  (await ask(`${stack.gameUrl}/v1/rounds`, { method: 'POST', headers: bearer(token) })).status;

async function watch(token: string): Promise<LiveClient> {
  const client = await openLive(stack.fanoutUrl);
  client.send({ type: 'authenticate', token });
  await client.frame(({ event }) => event === 'authenticated');
  return client;
}

/** The token opens nothing any more, anywhere, and its socket is closed. */
async function isVoid(token: string, client: LiveClient): Promise<void> {
  expect(await client.closed).toEqual({ code: 4401, reason: 'token revoked' });
  await waitFor(async () => (await edgeSays(token)) === 401 || undefined);
  await waitFor(async () => (await gameSays(token)) === 401 || undefined);
}

test('one token, and not the other one of the same player', async () => {
  const [lost, kept] = [await tokenOf('alice'), await tokenOf('alice')];
  const [ofLost, ofKept] = [await watch(lost), await watch(kept)];
  expect([await edgeSays(lost), await edgeSays(kept)]).toEqual([404, 404]);
  await cli('revoke', 'token', tokenIdOf(lost));
  await isVoid(lost, ofLost);
  expect(await edgeSays(kept)).toBe(404);
  ofKept.send({ type: 'ping' });
  expect(await ofKept.frame(({ event }) => event === 'pong')).toMatchObject({ userId: 'alice' });
  ofKept.close();
});

test('a player, until a token that is issued later, and nobody else', async () => {
  const [token, other] = [await tokenOf('bob'), await tokenOf('carol')];
  const [client, bystander] = [await watch(token), await watch(other)];
  await cli('revoke', 'player', 'bob');
  await isVoid(token, client);
  const reopened = await openLive(stack.fanoutUrl, { protocols: ['scoreboard.v1', `bearer.${token}`] });
  expect((await reopened.closed).code).toBe(4401);
  expect(await edgeSays(other)).toBe(404);
  bystander.send({ type: 'ping' });
  await bystander.frame(({ event }) => event === 'pong');
  bystander.close();
  await waitFor(async () => (await edgeSays(await tokenOf('bob'))) === 404 || undefined);
});

test('survives a restart of every process that has to know', async () => {
  const token = await tokenOf('dave');
  await cli('revoke', 'token', tokenIdOf(token));
  await waitFor(async () => (await edgeSays(token)) === 401 || undefined);
  for (const name of ['auth', 'edge']) stack.killProcess(name);
  // While they start there is no answer, or one that says so.
  const status = () => edgeSays(token).catch(() => 503);
  const answer = await waitFor(async () => {
    const now = await status();
    return now === 503 ? undefined : now;
  });
  expect(answer).toBe(401);
});

test('is told as recorded alone while the auth service has not taken the change', async () => {
  const { pid = 0 } = stack.stack().processes.auth ?? {};
  process.kill(pid, 'SIGSTOP');
  const paused = await stack.cli(['revoke', 'player', 'frank']);
  process.kill(pid, 'SIGCONT');
  expect(paused).toMatchObject({ code: 1, stdout: '' });
  expect(paused.stderr).toMatch(/^recorded, but the auth service has not taken the change/);
  expect(await cli('revoke', 'player', 'frank')).toBe('revoked frank');
});

test('is told as recorded for the next start where no auth service runs', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-stopped-'));
  const revoke = () => runCli(['revoke', 'player', 'frank'], { DATA_DIR: dataDir });
  try {
    expect(await revoke()).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no folder') });
    await mkdir(join(dataDir, 'auth-keys'));
    const stdout = expect.stringMatching(/^recorded frank: no auth service is running here/);
    expect(await revoke()).toMatchObject({ code: 0, stdout, stderr: '' });
    expect(await readFile(join(dataDir, 'auth-keys', 'revocations.json'), 'utf8')).toContain('frank');
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test('a list that the auth service can not read shows in its status', async () => {
  const path = join(stack.dataDir, 'auth-keys', 'revocations.json');
  const list = await readFile(path);
  await writeFile(path, 'damaged');
  await waitFor(
    async () => /^revocations \(the list .+\)$/.test((await stack.troubleOf('auth')) ?? '') || undefined,
  );
  expect((await stack.cli(['status'])).stdout).toMatch(/^auth .* without: revocations \(the list .+\)$/m);
  await writeFile(path, list);
  await waitFor(async () => (await stack.troubleOf('auth')) === undefined || undefined);
});

test('a signing key, with everything that it signed; the next key signs at once', async () => {
  const token = await tokenOf('erin');
  const client = await watch(token);
  const line = (await cli('keys', 'list')).split('\n').find((each) => /^token\t.*\tsigning\t/.test(each));
  await cli('keys', 'withdraw', 'token', line?.split('\t')[1] ?? '');
  await isVoid(token, client);
  await waitFor(async () => (await edgeSays(await tokenOf('erin'))) === 404 || undefined);
});
