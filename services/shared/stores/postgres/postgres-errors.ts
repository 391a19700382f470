/** What errors of Postgres, of the driver and of our sockets mean: for callers as AppError, for operators as one line. */
import { AppError } from '../../errors/app-error.ts';
import { CONNECT_TIMEOUT, NO_WANTED_HOST, TLS_REFUSED } from './address/open-socket.ts';

/** The SQLSTATE of a Postgres error, or the library's own code, such as CONNECTION_CLOSED. */
export function sqlCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export const UNIQUE_VIOLATION = '23505';
const POOLER_REFUSED = 'POOLER_REFUSED';
/** The statement writes, and the server is read-only: a standby, or by a setting. */
export const READ_ONLY = '25006';

/** The statement waited for a lock for longer than its lock_timeout. */
const LOCK_TIMEOUT = '55P03';

/** The statement never ran: no connection, server starting, or its transaction was rolled back whole. */
const NOT_RUN = new Set([
  ...['ECONNREFUSED', 'ENOENT', 'EAI_AGAIN', CONNECT_TIMEOUT, NO_WANTED_HOST],
  ...['57P03', '40001', '40P01', LOCK_TIMEOUT, READ_ONLY],
]);
/**
 * The server can't run any statement now: it lacks disk space, memory or connections (53), or has trouble with its files (58) or
 * an internal error (XX). The transaction was rolled back whole.
 */
const SERVER_TROUBLE = /^(53|58|XX)...$/;
/** No such host; or the server refuses our user, has no such database, or refuses our terms, before any statement. */
const REFUSED = new RegExp(`^(28...|3D000|ENOTFOUND|${TLS_REFUSED}|${POOLER_REFUSED})$`);
/** A connection has failed, here or between a pooler and the server; of a pooler also that a connection lasted too long. */
const CONNECTION_TROUBLE = /^08...$/;
/** The connection was lost; a commit may or may not have happened. */
const UNKNOWN = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNRESET',
  'EPIPE',
  // The system may report these for an established connection too.
  'EHOSTUNREACH',
  'ETIMEDOUT',
  '57P01',
  '57P02',
]);
/** Cancelled by the server's statement timeout: rolled back, but the caller's limit has passed too. */
const CANCELLED = '57014';

/** A database failure as an error that a caller can act on. Errors that are not about reaching the database stay as they are. */
export function toStoreError(error: unknown): unknown {
  const code = sqlCode(error);
  if (error instanceof AppError || code === undefined) return error;
  if (NOT_RUN.has(code) || SERVER_TROUBLE.test(code) || REFUSED.test(code))
    return new AppError('STORE_UNAVAILABLE', { cause: error, retryAfterMs: 1000 });
  if (UNKNOWN.has(code) || CONNECTION_TROUBLE.test(code))
    return new AppError('OUTCOME_UNKNOWN', { cause: error });
  if (code === CANCELLED) return new AppError('DEADLINE_EXCEEDED', { cause: error });
  return error;
}

/**
 * Whether a statement failed because a row of this table exists already. One without a table was raised by a function of ours.
 * An index or a trigger of the operator may make other rows unique.
 */
export function isRepeatIn(table: string, error: unknown): boolean {
  const { table_name: violated = table } = error as { table_name?: string };
  return sqlCode(error) === UNIQUE_VIOLATION && violated === table;
}

/**
 * Postgres, or a constraint or trigger of the operator, refuses a value (data exception, constraint, size, raised by a function),
 * and has written nothing. Callers look for repeats first.
 */
const OF_VALUES = /^(22...|23...|44...|54...|P0...)$/;

/** Whether a statement failed because of the contents of one of its rows. */
export function isValueRefused(error: unknown): boolean {
  const code = sqlCode(error);
  return code !== undefined && OF_VALUES.test(code);
}

/** Whether a statement was rolled back because another session held a lock. */
export function isLockTimeout(error: unknown): boolean {
  return sqlCode(causeOf(error)) === LOCK_TIMEOUT;
}

/** Whether a value can not be stored, in whichever row it comes. */
export function isUnstorable(error: unknown): boolean {
  return /^(22|54)...$/.test(sqlCode(error) ?? '');
}

/** What is wrong with Postgres, by the error of a statement, and what to do about it. */
export function describePostgresTrouble(error: unknown): string {
  const cause = causeOf(error);
  const code = sqlCode(cause);
  if (code === READ_ONLY) return POSTGRES_READ_ONLY;
  if (code === TLS_REFUSED || code === POOLER_REFUSED || code === NO_WANTED_HOST) return messageOf(cause);
  if (code === 'ENOTFOUND') return 'there is no such host: check DATABASE_URL';
  if (isRefused(error))
    return 'it refuses our user: check the name, the password and the database in DATABASE_URL';
  if (code === '57P03') return 'it is starting up, or recovering';
  if (code === '53300') return 'it has no connection left: raise max_connections';
  if (code?.startsWith('53') || code?.startsWith('58'))
    return 'it has no disk space or memory left: look into its log';
  return isAnswer(cause) ? `it answers "${messageOf(cause)}"` : 'it does not answer';
}

export const POSTGRES_READ_ONLY =
  'it is read-only: let DATABASE_URL name the primary, or set default_transaction_read_only to off';

/** Waiting does not help: the address or the users of the server must be changed. */
export function isRefused(error: unknown): boolean {
  return REFUSED.test(sqlCode(causeOf(error)) ?? '');
}

const causeOf = (error: unknown): unknown => (error instanceof AppError ? error.cause : error);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether Postgres, or a pooler in front of it, has sent this error. */
const isAnswer = (error: unknown): error is Error => error instanceof Error && error.name === 'PostgresError';

/** A pooler in transaction mode refuses parameters of a session, since it has no sessions. */
const UNSUPPORTED_PARAMETER = /^unsupported startup parameter(?: in options)?: (\S+)/;

/** The parameter that a pooler refuses; undefined for any other error. */
export function refusedParameter(error: unknown): string | undefined {
  return isAnswer(error) ? UNSUPPORTED_PARAMETER.exec(error.message)?.[1] : undefined;
}

/** The pooler refuses a parameter that the address demands. */
export class PoolerRefusedError extends Error {
  override readonly name = 'PoolerRefusedError';
  readonly code = POOLER_REFUSED;

  constructor(parameter: string, cause: unknown) {
    super(
      `the pooler in front of Postgres refuses "${parameter}": remove it from the address, or list it in ignore_startup_parameters of the pooler`,
      { cause },
    );
  }
}
