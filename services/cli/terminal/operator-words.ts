/**
 * Errors in the words of an operator. The messages of the error list are written for players and their clients: "nothing was
 * counted" means nothing to the person who lists the limits. Every other message says the same to both.
 */
import { AppError, type Reason } from '../../shared/errors/app-error.ts';

const SEE_STATUS = '"status" shows which processes are ready';
/** Every command that changes something may be repeated. */
const MAY_HAVE_CHANGED = 'a change may have been made or not, and the command can be run again';

const WORDS: Readonly<Partial<Record<Reason, string>>> = {
  AUTH_UNAVAILABLE: `the auth service cannot be reached: ${SEE_STATUS}`,
  SCORE_UNAVAILABLE: `the score service cannot be reached: ${SEE_STATUS}`,
  RANK_UNAVAILABLE: `the rank service cannot be reached: ${SEE_STATUS}`,
  PLAYER_LOCKED: 'another session of Postgres holds the row of this player: see pg_locks',
  STORE_UNAVAILABLE: `Postgres cannot be reached, or takes no writes: ${SEE_STATUS}`,
  BOARD_NOT_FOUND: 'there is no board of this name: see "boards list"',
  INDEX_UNAVAILABLE: `there is no rank index in Redis to compare; it is rebuilt once Redis works: ${SEE_STATUS}`,
  DEADLINE_EXCEEDED: `the service did not answer in time: ${MAY_HAVE_CHANGED}`,
  OUTCOME_UNKNOWN: `the connection was lost before the answer: ${MAY_HAVE_CHANGED}`,
  OVERLOADED: 'the service is at its limit: run the command again in a moment',
  OUTBOX_FULL: 'too many accepted scores wait for delivery: see "outbox list"',
  SHUTTING_DOWN: 'the service is stopping: run the command again in a moment',
  SERVICE_KEY_INVALID:
    'the service does not know the key of the command line: set DATA_DIR or SERVICE_KEY_FILE to that of this stack',
  SERVICE_CERTIFICATE_INVALID:
    'the service does not know the certificate of the command line: set TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE to those of "cli"',
  CALLER_NOT_ALLOWED:
    'the command line was taken for another service: its key or certificate must be that of "cli"',
  INTERNAL: 'the service failed: see its log',
};

/** One line for standard error, without the line end. */
export function describeFailure(error: unknown): string {
  const words = error instanceof AppError ? WORDS[error.reason] : undefined;
  return words ?? (error instanceof Error ? error.message : String(error)).trimEnd();
}
