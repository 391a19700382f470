/**
 * JSON logs, one line per event, to standard output. Secrets are masked by the names of their fields. Requests cause lines, so
 * their number is limited by kind and second, and so is their length.
 */
import { type LoggerOptions, pino } from 'pino';
import { type Environment, text } from '../settings/env.ts';
import { createLogBudget, LINES_OF_KIND } from './log-budget.ts';
import { openLogOutput } from './log-output.ts';
import { boundFields } from './log-value.ts';

export type Log = import('pino').Logger;

export interface LogTarget {
  /** Standard output by default. */
  destination?: { write(line: string): void };
  /** Lines a second of one kind. */
  linesOfKind?: number;
}

const FATAL = pino.levels.values.fatal ?? Number.POSITIVE_INFINITY;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** LOG_LEVEL. */
export function parseLogLevel(env: Environment): string {
  const level = text(env, 'LOG_LEVEL');
  if (LEVELS.includes(level)) return level;
  throw new Error(`LOG_LEVEL must be one of ${LEVELS.join(', ')}, not "${level}"`);
}

export function createLog(service: string, level = 'info', target: LogTarget = {}): Log {
  const { linesOfKind = LINES_OF_KIND } = target;
  const base = { service, pid: process.pid };
  const options: LoggerOptions = {
    level,
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: boundFields },
    // An error has been converted by then.
    serializers: { err: (described: unknown) => described },
  };
  const output =
    target.destination ??
    openLogOutput((lines) => {
      const time = new Date().toISOString();
      return `${JSON.stringify({ level: 'warn', time, ...base, lines, msg: 'lines of this log were lost' })}\n`;
    });
  const unbounded = pino(options, output);
  const budget = createLogBudget({
    linesOfKind,
    onLeftOut: (kind, lines) => unbounded.warn({ kind, lines }, 'lines of one kind were left out'),
  });
  return pino(
    {
      ...options,
      hooks: {
        logMethod(args, method, level) {
          // The last line of a process is written whatever came before it.
          if (level >= FATAL || isOperatorLine(args[0]) || budget.admits(kindOf(args)))
            method.apply(this, args);
        },
      },
    },
    output,
  );
}

/** Whether the first argument of a log call is that of a line about an operator (operator-log.ts). */
function isOperatorLine(first: unknown): boolean {
  return typeof first === 'object' && first !== null && 'operator' in first;
}

/** The message, which is a constant, and for an error its type and origin: different faults are different kinds. */
function kindOf([first, message]: readonly unknown[]): string {
  if (typeof first === 'string') return first;
  const error = first instanceof Error ? first : (first as { err?: unknown } | undefined)?.err;
  if (!(error instanceof Error)) return String(message);
  const place = /\n {4}at [^\n]+/.exec(error.stack ?? '')?.[0].trim() ?? '';
  return [message, error.constructor.name, place].join(' ').trim();
}

/** For tests and tools that log nothing. */
export function createSilentLog(): Log {
  return pino({ level: 'silent' });
}
