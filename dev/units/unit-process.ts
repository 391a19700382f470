/** One of our own processes as a child of the supervisor, with its output in a log file. */
import { spawn } from 'node:child_process';
import { DRAIN_LIMIT_MS } from '../../services/shared/process/run-process.ts';
import type { LogFile } from '../host/log-file.ts';
import { signalProcess } from '../host/process-table.ts';

/** The drain limit of a process, and a little more. */
const STOP_LIMIT_MS = DRAIN_LIMIT_MS + 2_000;

interface UnitProcessOptions {
  readonly entry: string;
  readonly env: Record<string, string>;
  readonly log: LogFile;
  /** A descriptor that the process inherits, by which a later start finds the process if the supervisor is killed. */
  readonly mark?: number;
}

export function startUnitProcess({ entry, env, log, mark }: UnitProcessOptions) {
  const child = spawn(process.execPath, [entry], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', mark ?? 'ignore'],
    // Its own process group: Ctrl-C in the terminal reaches only the supervisor, which stops processes in order.
    detached: true,
  });
  for (const output of [child.stdout, child.stderr]) if (output !== null) log.take(output);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // "close" follows the end of the output, so that the last lines are logged before the end is reported.
    child.once('close', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    /** Resolves when the process has ended, with a description of its end. */
    exited,
    /** Resolves when the process has ended: whether with exit code 0. */
    succeeded: exited.then(() => child.exitCode === 0),
    /** Lets the process drain, and kills it if it does not end in time. */
    async stop(): Promise<void> {
      child.kill('SIGTERM');
      const force = setTimeout(() => signalProcess(-pid, 'SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(force);
    },
  };
}
