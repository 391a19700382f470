/** JSON logs, one line an event, to standard output. Secrets are masked by the names of the fields that carry them. */
import { pino } from 'pino';

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
];

export function createLog(service: string, level = 'info'): Log {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[masked]',
    },
  });
}

/** For tests and tools that have nothing to say. */
export function createSilentLog(): Log {
  return pino({ level: 'silent' });
}
