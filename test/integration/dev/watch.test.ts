/** `npm run dev`, on a copy of the sources that the tests may change. */
import { appendFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UNIT_NAMES, type UnitName } from '../../../dev/site/local-config.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COPIED = ['dev', 'edge', 'gen', 'services', 'package.json'];

let sources: string;
let stack: StackProcesses;

beforeAll(async () => {
  sources = await mkdtemp(join(tmpdir(), 'scoreboard-sources-'));
  for (const name of COPIED) await cp(join(ROOT, name), join(sources, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(sources, 'node_modules'));
  stack = await startStackProcesses({ sources, watch: true });
});

afterAll(async () => {
  await stack?.stop();
  await rm(sources, { recursive: true, force: true });
});

const pidOf = (name: string) => stack.stack().processes[name]?.pid;
const pids = () =>
  Object.fromEntries(Object.keys(stack.stack().processes).map((name) => [name, pidOf(name)]));
const linesAbout = (name: UnitName) =>
  stack
    .output()
    .split('\n')
    .filter((line) => line.startsWith(`${name}: `));

/** Resolves when each of these has another process id than before and is ready. */
async function restarted(names: readonly UnitName[], before: Readonly<Record<string, number | undefined>>) {
  await waitFor(
    async () => {
      if (names.some((name) => pidOf(name) === before[name])) return undefined;
      return (await stack.isReady()) || undefined;
    },
    { describe: `another process of ${names.join(', ')}, ready` },
  );
}

it('restarts a process whose sources change, and only that process', async () => {
  const before = pids();
  appendFileSync(join(sources, 'services/game/rounds/points.ts'), '\n');
  await restarted(['game'], before);
  const others = Object.entries(before).filter(([name]) => name !== 'game');
  expect(Object.entries(pids()).filter(([name]) => name !== 'game')).toEqual(others);
  expect(linesAbout('game')).toEqual(['game: its sources changed; restarting it']);
});

it('restarts the edge when the page changes', async () => {
  const before = pids();
  appendFileSync(join(sources, 'edge/web/style.css'), '\n');
  await restarted(['edge'], before);
  expect(pidOf('fanout')).toBe(before.fanout);
});

it('restarts every process when shared sources change, and goes on with the same servers and data', async () => {
  expect(await stack.submit('alice', 'a1', 10)).toEqual({ newScore: 10, rank: 1 });
  const before = pids();
  appendFileSync(join(sources, 'services/shared/errors/app-error.ts'), '\n');
  await restarted(UNIT_NAMES, before);
  expect(pidOf('postgres')).toBe(before.postgres);
  expect(await stack.submit('alice', 'a2', 10)).toEqual({ newScore: 20, rank: 1 });
});

it('starts a process again as soon as a mistake in its sources is corrected', async () => {
  const path = join(sources, 'services/game/main.ts');
  const correct = readFileSync(path, 'utf8');
  const before = pids();
  writeFileSync(path, 'a mistake');
  await waitFor(() => (linesAbout('game').some((line) => line.includes('exit code 1')) ? true : undefined));
  writeFileSync(path, correct);
  await restarted(['game'], before);
});
