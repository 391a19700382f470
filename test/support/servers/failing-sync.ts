/**
 * A disk that can't keep what it took, for Postgres: every so many-th time one of its processes asks for its log to be
 * on disk, the answer is an input/output error. strace gives that answer in the system's place.
 */
import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  commandLineOf,
  isRunning,
  listProcesses,
  parentOf,
  signalProcess,
} from '../../../dev/host/process-table.ts';
import { waitFor } from '../wait-for.ts';

export interface FailingPostgres {
  /** How often Postgres stopped because of it. */
  panics(): number;
  /** Ends it at once, without a last write. */
  stop(): Promise<void>;
}

/** Takes the place of a running Postgres, on its data and its port; `every` counts in each of its processes. */
export async function restartWithFailingSync(pid: number, every: number): Promise<FailingPostgres> {
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  const { uid, gid } = statSync(`/proc/${pid}`);
  const cwd = readlinkSync(`/proc/${pid}/cwd`);
  signalProcess(pid, 'SIGINT');
  await waitFor(() => !isRunning(pid) || undefined);

  const fault = `inject=fdatasync:error=EIO:when=${every}`;
  const strace = spawn('strace', ['-f', '-qq', '-e', 'trace=fdatasync', '-e', fault, ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    ...{ uid, gid, cwd },
  });
  let failure: string | undefined;
  strace.once('error', (error: NodeJS.ErrnoException) => {
    failure = error.code === 'ENOENT' ? 'install it with: apt-get install -y strace' : error.message;
  });
  const ended = new Promise<void>((resolve) => strace.once('close', () => resolve()));
  let [panics, last] = [0, ''];
  createInterface(strace.stderr).on('line', (line) => {
    last = line;
    if (line.includes('PANIC:')) panics += 1;
  });
  void ended.then(() => {
    failure ??= last;
  });
  const postmaster = await waitFor(() => {
    if (failure !== undefined) throw new Error(`Postgres could not be started under strace: ${failure}`);
    // strace has children of its own for a moment.
    const isPostgres = (each: number) => commandLineOf(each).join(' ') === command.join(' ');
    return listProcesses().find((each) => parentOf(each) === strace.pid && isPostgres(each));
  });
  return {
    panics: () => panics,
    async stop() {
      // Its own way to end at once: its processes end with it.
      signalProcess(postmaster, 'SIGQUIT');
      await ended;
    },
  };
}
