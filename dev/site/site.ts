/** What the steps of a start share. It owns every process that a step starts: when one step fails, all of them are stopped. */
import { logsDir } from '../../services/shared/identity/stack-file.ts';
import { openLogFile } from '../host/log-file.ts';
import type { Terminal } from '../host/terminal.ts';
import type { Kept } from '../supervise/keep-running.ts';
import type { LocalConfig } from './local-config.ts';
import { openStackRecord } from './record.ts';

/** A machine under load may need long. A stack that is not ready by then will not become ready. */
const START_LIMIT_MS = 90_000;

export type StackSite = ReturnType<typeof openSite>;

type Stoppable = Pick<Kept, 'stop'>;

interface SiteOptions {
  readonly config: LocalConfig;
  readonly terminal: Terminal;
  /** The descriptor that every process inherits, so that a later start finds the process if the supervisor is killed. */
  readonly mark: number;
  /** Aborts when the operator stops the start. */
  readonly signal: AbortSignal;
}

export function openSite({ config, terminal, mark, signal }: SiteOptions) {
  const turns = new Map<number, Stoppable[]>();
  const pending = new Set<string>();
  const failing = new AbortController();
  const logDir = logsDir(config.dataDir);
  let limit: NodeJS.Timeout | undefined;

  function onLateStart(): void {
    const seconds = START_LIMIT_MS / 1_000;
    const names = [...pending].join(', ');
    failing.abort(new Error(`not ready within ${seconds} s: no answer from ${names}; see ${logDir}`));
  }

  return {
    config,
    terminal,
    logDir,
    mark,
    record: openStackRecord(config.dataDir, config.mode, (line) => terminal.complain('npm start', line)),
    /** Aborts, with the reason, when the start has failed or is stopped. */
    signal: AbortSignal.any([signal, failing.signal]),
    fail: (reason: Error) => failing.abort(reason),
    /** Limits the time of the start, from now. */
    limitTime(): void {
      limit = setTimeout(onLateStart, START_LIMIT_MS);
    },
    /** Returns the promise's result. While it is pending, a start that takes too long names it. */
    async waitFor<Value>(name: string, promise: Promise<Value>): Promise<Value> {
      pending.add(name);
      try {
        return await promise;
      } finally {
        pending.delete(name);
      }
    },
    openLog: (name: string) => openLogFile(logDir, name, (line) => terminal.complain(name, line)),
    /** Takes over a running process. Processes with a lower turn are stopped first, those with the same turn together. */
    keep(turn: number, kept: Stoppable): void {
      turns.set(turn, [...(turns.get(turn) ?? []), kept]);
    },
    /** Stops every process that was taken over. */
    async stop(): Promise<void> {
      clearTimeout(limit);
      for (const turn of [...turns.keys()].sort((a, b) => a - b)) {
        await Promise.allSettled((turns.get(turn) ?? []).map((kept) => kept.stop()));
      }
    },
  };
}
