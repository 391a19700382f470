/** JSON logs, one line an event, to standard output. Secrets are masked by the names of the fields that carry them. */
import { type LoggerOptions, pino } from 'pino';
import { openLogOutput } from './log-output.ts';

export type Log = import('pino').Logger;

const SECRET_FIELDS = [
  'authorization',
  'token',
  'accessToken',
  'signature',
  'secret',
  'serviceKey',
  'password',
  'privateKey',
  // What Node quotes in an error about a URL that it can't read.
  'input',
];

/** Writes to standard output unless another destination is given. */
export function createLog(service: string, level = 'info', destination?: { write(line: string): void }): Log {
  const base = { service, pid: process.pid };
  const options: LoggerOptions = {
    level,
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[masked]',
    },
  };
  const output =
    destination ??
    openLogOutput((lines) => {
      const time = new Date().toISOString();
      return `${JSON.stringify({ level: 'warn', time, ...base, lines, msg: 'lines of this log were lost' })}\n`;
    });
  return pino(options, output);
}

/** For tests and tools that have nothing to say. */
export function createSilentLog(): Log {
  return pino({ level: 'silent' });
}
