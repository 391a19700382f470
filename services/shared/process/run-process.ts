/**
 * The life of a process: start, serve, drain, end. Crash-only: an error that nobody caught is logged and ends the
 * process, and the supervisor starts it anew. SIGTERM and SIGINT drain within a limit.
 */
import type { Environment } from '../settings/env.ts';
import { createLog, type Log, parseLogLevel } from '../telemetry/log.ts';
import { assertProductionSettings } from './production.ts';
import { assertSoundRuntime } from './runtime-gate.ts';

/** What a unit's service gives back once it serves. */
export interface RunningService {
  /** Stops accepting, finishes what is in flight, closes what it opened, in reverse. */
  stop(): Promise<void>;
}

/** Longest drain. A supervisor that sends SIGKILL should wait a little longer than this. */
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
  log.info('started');

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
