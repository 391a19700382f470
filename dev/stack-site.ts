/** What the steps of a start share, and the care for all that they begin: a failure of one step ends what the others began. */
import { join } from 'node:path';
import type { LocalConfig } from './config.ts';
import { type LogFile, openLogFile } from './host/log-file.ts';
import type { Terminal } from './host/terminal.ts';
import type { Kept } from './servers/keep-running.ts';
import { openStackRecord, type StackRecord } from './stack-record.ts';

/** A machine under load may take long; a stack that is not ready by then never will be. */
const START_LIMIT_MS = 90_000;

export interface StackSite {
  readonly config: LocalConfig;
  readonly terminal: Terminal;
  readonly record: StackRecord;
  readonly logDir: string;
  /** The descriptor that every process inherits, so that a later start finds it when we are killed. */
  readonly mark: number;
  /** Aborts, with the reason, when the start has failed or shall stop. */
  readonly signal: AbortSignal;
  fail(reason: Error): void;
  /** From now on the time is limited. */
  limitTime(): void;
  /** Passes the promise on. While it is pending, a start whose time is over names it. */
  waitFor<Value>(name: string, promise: Promise<Value>): Promise<Value>;
  openLog(name: string): LogFile;
  /** Leaves a running process in the stack's care; lower turns are stopped first, equal ones together. */
  keep(turn: number, kept: Kept): void;
  /** Ends what was left in its care. */
  stop(): Promise<void>;
}

export function openSite({
  config,
  terminal,
  mark,
  signal,
}: {
  config: LocalConfig;
  terminal: Terminal;
  mark: number;
  signal: AbortSignal;
}): StackSite {
  const turns = new Map<number, Kept[]>();
  const pending = new Set<string>();
  const failing = new AbortController();
  const logDir = join(config.dataDir, 'logs');
  let limit: NodeJS.Timeout | undefined;
  return {
    config,
    terminal,
    record: openStackRecord(config.dataDir, config.mode, (line) => terminal.complain('npm start', line)),
    logDir,
    mark,
    signal: AbortSignal.any([signal, failing.signal]),
    fail: (reason) => failing.abort(reason),
    limitTime() {
      limit = setTimeout(() => {
        const seconds = START_LIMIT_MS / 1_000;
        const names = [...pending].join(', ');
        failing.abort(new Error(`not ready within ${seconds} s: no answer from ${names}; see ${logDir}`));
      }, START_LIMIT_MS);
    },
    async waitFor(name, promise) {
      pending.add(name);
      try {
        return await promise;
      } finally {
        pending.delete(name);
      }
    },
    openLog: (name) => openLogFile(logDir, name, (line) => terminal.complain(name, line)),
    keep(turn, kept) {
      turns.set(turn, [...(turns.get(turn) ?? []), kept]);
    },
    async stop() {
      clearTimeout(limit);
      for (const turn of [...turns.keys()].sort((a, b) => a - b)) {
        await Promise.allSettled((turns.get(turn) ?? []).map((kept) => kept.stop()));
      }
    },
  };
}
