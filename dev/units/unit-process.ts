/** One of our own processes as a child: its log goes to a file, it is ready when its side door says so. */
import { spawn } from 'node:child_process';
import { getDirectly } from '../../services/shared/http/get-directly.ts';
import { DRAIN_LIMIT_MS } from '../../services/shared/process/run-process.ts';
import type { LogFile } from '../host/log-file.ts';
import { signalProcess } from '../host/process-table.ts';

export interface UnitProcess {
  readonly pid: number;
  /** Resolves when it has ended, with how. */
  readonly exited: Promise<string>;
  /** Resolves when it has ended. */
  readonly succeeded: Promise<boolean>;
  /** Lets it drain, then forces it. */
  stop(): Promise<void>;
}

/** The process's own drain limit and a little more. */
const STOP_LIMIT_MS = DRAIN_LIMIT_MS + 2_000;
const ASK_EVERY_MS = 30;
const ASK_LIMIT_MS = 1_000;

export function startUnitProcess({
  entry,
  env,
  log,
  mark,
}: {
  entry: string;
  env: Record<string, string>;
  log: LogFile;
  /** A descriptor that the process inherits, by which it is found when its supervisor was killed. */
  mark?: number;
}): UnitProcess {
  const child = spawn(process.execPath, [entry], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', mark ?? 'ignore'],
    // A process group of its own: a terminal's Ctrl-C reaches the supervisor alone, which ends things in order.
    detached: true,
  });
  for (const output of [child.stdout, child.stderr]) if (output !== null) log.take(output);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // "close" comes after the last of its output: its last words are told before its end.
    child.once('close', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    exited,
    succeeded: exited.then(() => child.exitCode === 0),
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => signalProcess(-pid, 'SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(force);
    },
  };
}

/** Resolves when the address answers 200, and that these of its dependencies are there; rejects when the signal aborts. */
export async function untilReady(
  url: string,
  signal: AbortSignal,
  needs: readonly string[] = [],
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT_MS)]);
    const ready = await getDirectly(url, limit).then(
      ({ status, body }) => {
        const { dependencies = {} } = JSON.parse(body) as { dependencies?: Record<string, boolean> };
        return status === 200 && needs.every((name) => dependencies[name] === true);
      },
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
