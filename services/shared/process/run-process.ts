/**
 * The life of a process: start, serve, drain, end. Crash-only: an uncaught error is logged and ends the process, and the supervisor
 * starts it again. SIGTERM and SIGINT drain within a limit.
 */
import type { Environment } from '../settings/env.ts';
import { createLog, type Log, parseLogLevel } from '../telemetry/log.ts';
import { readVersion } from '../telemetry/version.ts';
import { assertProductionSettings } from './production.ts';
import { assertSoundRuntime } from './runtime-gate.ts';

/** A unit's service, once it serves. */
export interface RunningService {
  /** The address of its port, as "host:port". */
  readonly address?: string;
  /** The address of /metrics, /healthz and /readyz. */
  readonly adminAddress?: string;
  /** Stops accepting, finishes what is in flight, and closes in reverse order what it opened. */
  stop(): Promise<void>;
}

/** Longest drain. A supervisor should wait a little longer before it sends SIGKILL. */
export const DRAIN_LIMIT_MS = 10_000;

/** Runs one unit's service until a signal ends it. Called by each `main.ts`, and only there. */
export async function runProcess(
  name: string,
  start: (context: { env: Environment; log: Log }) => Promise<RunningService>,
): Promise<void> {
  let log = createLog(name);
  const die = (error: unknown, message: string) => {
    log.fatal({ err: error }, message);
    process.exit(1);
  };
  logWarnings(() => log);
  process.on('uncaughtException', (error) => die(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => die(error, 'unhandled rejection'));

  let service: RunningService;
  try {
    log = createLog(name, parseLogLevel(process.env));
    assertSoundRuntime(process.version);
    assertProductionSettings(process.env);
    service = await start({ env: process.env, log });
  } catch (error) {
    return die(error, 'could not start');
  }
  const { address, adminAddress } = service;
  log.info({ version: readVersion(), node: process.version, address, admin: adminAddress }, 'started');

  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'draining');
    setTimeout(
      () => die(new Error(`not drained after ${DRAIN_LIMIT_MS} ms`), 'drain limit passed'),
      DRAIN_LIMIT_MS,
    ).unref();
    service.stop().then(
      () => {
        log.info('stopped');
        process.exit(0);
      },
      (error: unknown) => die(error, 'drain failed'),
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

/**
 * Logs the warnings of Node, which it would print as text between the JSON lines. An experimental feature is one that we chose to
 * use; an operator can do nothing about it.
 */
function logWarnings(log: () => Log): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const level = warning.name === 'ExperimentalWarning' ? 'debug' : 'warn';
    log()[level]({ err: warning }, 'warning of Node');
  });
}
