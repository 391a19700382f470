/** The data folder: only one stack uses it, its processes are known by the file that they hold open, and an unusable folder is refused. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimDataFolder } from '../../../../dev/host/data-folder.ts';
import { endLeftovers } from '../../../../dev/host/leftovers.ts';
import { isRunning } from '../../../../dev/host/process-table.ts';
import {
  readRunningStack,
  stackFilePath,
  stackLockPath,
} from '../../../../services/shared/identity/stack-file.ts';

const HOLDER = new URL('../../../support/processes/folder-holder.ts', import.meta.url);
const LANES = 10;
const TRIES_PER_LANE = 3;

let root: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'scoreboard-folder-'));
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(root, { recursive: true, force: true });
});

/** A process that has loaded everything and waits for the word to claim the folder. */
async function contender(dataDir: string): Promise<ChildProcess> {
  const child = fork(HOLDER, [dataDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  children.push(child);
  await once(child, 'message');
  return child;
}

/** Gives the word. Resolves with the answer. */
async function tryToClaim(child: ChildProcess) {
  child.send('claim');
  const [answer] = (await once(child, 'message')) as [string];
  return { child, answer };
}

/** A process that tries to claim the folder, with its answer. */
const claim = async (dataDir: string) => tryToClaim(await contender(dataDir));

/** A process that holds the folder's lock file open, as one of a stack does or as a reader does. */
function hold(dataDir: string, flags: string): ChildProcess {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(stackLockPath(dataDir), '', { flag: 'a' });
  const child = spawn('sleep', ['60'], {
    stdio: ['ignore', 'ignore', 'ignore', openSync(stackLockPath(dataDir), flags)],
  });
  children.push(child);
  return child;
}

describe('the lock of a data folder', () => {
  it('goes to exactly one of two concurrent starts, thirty times, each time after its holder was killed', async () => {
    const lane = async (number: number) => {
      const dataDir = join(root, `data-${number}`);
      const [first, second] = await Promise.all([claim(dataDir), contender(dataDir)]);
      let [holder, waiting] = [first.child, second];
      for (let attempt = 0; attempt < TRIES_PER_LANE; attempt += 1) {
        const two = [waiting, await contender(dataDir)];
        holder.kill('SIGKILL');
        await once(holder, 'exit');
        const answers = await Promise.all(two.map(tryToClaim));
        const winner = answers.find(({ answer }) => answer === 'claimed');
        const loser = answers.find(({ answer }) => answer !== 'claimed');
        expect(loser?.answer).toBe(
          `Error: a stack already runs in ${dataDir} (process ${winner?.child.pid}): stop it, or set DATA_DIR and the ports`,
        );
        holder = winner?.child ?? holder;
        // The one that lost tries again beside a new one.
        waiting = loser?.child ?? waiting;
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  });

  it('is the same by every path to the folder', async () => {
    const dataDir = join(root, 'data');
    await claim(dataDir);
    symlinkSync(dataDir, join(root, 'link'));
    expect((await claim(join(root, 'link'))).answer).toContain('a stack already runs in');
    expect((await claim(join(root, 'data copy'))).answer).toBe('claimed');
  });
});

describe('the processes of a killed stack', () => {
  it('are ended, but not those of a folder with a similar name, nor one that only reads the file', async () => {
    const dataDir = join(root, 'data');
    const ours = [hold(dataDir, 'r+'), hold(dataDir, 'r+')];
    const strangers = [
      hold(join(root, 'data copy'), 'r+'),
      hold(join(root, 'data2'), 'r+'),
      hold(dataDir, 'r'),
    ];
    symlinkSync(dataDir, join(root, 'link'));
    expect(await endLeftovers(stackLockPath(join(root, 'link')))).toBe(2);
    expect(ours.map(({ pid }) => isRunning(pid ?? 0))).toEqual([false, false]);
    expect(strangers.map(({ pid }) => isRunning(pid ?? 0))).toEqual([true, true, true]);
  });
});

describe('the file of a stack', () => {
  const write = (dataDir: string, text: string) => writeFileSync(stackFilePath(dataDir), text);

  it.each([-1, 1, process.pid])(
    'is of no running stack when its process %i does not hold the folder',
    (pid) => {
      write(root, JSON.stringify({ pid, mode: 'development', processes: {} }));
      if (pid > 0) expect(readRunningStack(root)).toBeUndefined();
      else expect(() => readRunningStack(root)).toThrow('stack.json is damaged');
    },
  );

  it('belongs to a running stack if its process holds the folder', async () => {
    const { child } = await claim(root);
    write(root, JSON.stringify({ pid: child.pid, mode: 'development', processes: {} }));
    expect(readRunningStack(root)?.pid).toBe(child.pid);
  });

  it.each(['', 'null', '{"pid":', '[]', '{"pid":5,"mode":"development"}'])(
    'is named when it is damaged: %j',
    (text) => {
      write(root, text);
      expect(() => readRunningStack(root)).toThrow(
        `${stackFilePath(root)} is damaged: stop the stack if it runs; the next "npm start" writes the file again`,
      );
    },
  );
});

describe('a folder that cannot be used', () => {
  it.each([
    ['/proc/x', 'ENOENT'],
    ['/dev/null', 'EEXIST'],
    ['/sys/x', ''],
  ])('is refused at once: %s', async (dataDir, code) => {
    const line = new RegExp(
      `^the data folder ${dataDir} cannot be used: ${code}.*; choose another with DATA_DIR$`,
    );
    await expect(claimDataFolder(dataDir)).rejects.toThrow(line);
  });

  it('is refused if another user created its contents', async () => {
    expect(process.getuid?.(), 'only root may give a folder away: run the tests as root').toBe(0);
    mkdirSync(join(root, 'secrets'));
    chownSync(join(root, 'secrets'), 4_711, 4_711);
    await expect(claimDataFolder(root)).rejects.toThrow(
      `${join(root, 'secrets')} belongs to user 4711 and this is user 0: start as that user, or choose another folder`,
    );
  });
});
