/**
 * A start that is killed hard at any moment, the supervisor alone, with its process group, or with all that it started, again
 * and again on one folder: the next start that is left alone succeeds, and no process of an earlier one is left. START_KILLS
 * sets how many.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parentOf, signalProcess } from '../../../dev/host/process-table.ts';
import { runStart, stackEnvironment, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { processesTouching } from '../../support/processes/touching-processes.ts';
import { createRandom } from '../../support/random.ts';

const KILLS = Number(process.env.START_KILLS ?? 6);
/** Few enough that some of them hit each step of a first start: a later one finds the steps done. */
const KILLS_PER_FOLDER = Math.min(KILLS, 10);
/** About as long as a first start takes. */
const LATEST_MS = 6_000;
const FOLDER_LIMIT_MS = 180_000;

type Kind = 'supervisor' | 'group' | 'everything';
const KINDS: readonly Kind[] = ['supervisor', 'group', 'everything'];

/** "everything" is what a power cut or the end of a container does. */
function killHard(kind: Kind, supervisor: number, dataDir: string): void {
  process.kill(kind === 'supervisor' ? supervisor : -supervisor, 'SIGKILL');
  if (kind !== 'everything') return;
  for (const pid of processesTouching(dataDir)) signalProcess(pid, 'SIGKILL');
}

const folders = Array.from({ length: Math.ceil(KILLS / KILLS_PER_FOLDER) }, (_, at) => at + 1);

it.each(folders)(
  `a start succeeds after ${KILLS_PER_FOLDER} that were killed at random moments, and leaves none of their processes: seed %i`,
  { timeout: FOLDER_LIMIT_MS },
  async (seed) => {
    const random = createRandom(seed);
    const dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-kills-'));
    const env = { ...(await stackEnvironment()), DATA_DIR: dataDir };
    // More of them early, where most steps are; in ascending order, so that the first ones do not do the work of all.
    const moments = Array.from({ length: KILLS_PER_FOLDER }, () => random.next() ** 2 * LATEST_MS);
    for (const momentMs of moments.sort((a, b) => a - b)) {
      const start = runStart(env);
      // The moment of the kill.
      await pause(momentMs);
      expect(start.hasEnded() ? start.output() : 'under way').toBe('under way');
      killHard(random.pick(KINDS), start.pid, dataDir);
      await start.ended;
    }
    const stack = await startStackProcesses({ dataDir, env });
    const { pid, processes } = stack.stack();
    const known = new Set([pid, ...Object.values(processes).map((child) => child.pid)]);
    const strangers = processesTouching(dataDir).filter(
      (each) => !known.has(each) && !known.has(parentOf(each) ?? 0),
    );
    expect(strangers).toEqual([]);
    expect(await stack.submit('alice', 'a1', 100)).toEqual({ newScore: 100, rank: 1 });
    expect(await stack.stop()).toBe(0);
    expect(processesTouching(dataDir)).toEqual([]);
    await rm(dataDir, { recursive: true, force: true });
  },
);
