/** What is wrong with NATS, in words for the operator. */
import { ForeignServerError } from '../deployment.ts';
import { ErrorCode, NatsError, NatsRefusedError } from './nats.ts';
import { STREAM_NOT_FOUND, StreamUnfitError } from './score-stream.ts';

/** There is no connection, or none that has answered yet. */
export const NOT_CONNECTED = 'not connected';

/** There is a connection, but JetStream does not answer. */
export const JETSTREAM_DISABLED =
  'JetStream is disabled or does not answer: free disk space if its disk is full, and restart nats-server ("npm start" restarts its own)';

/** "insufficient storage resources available" */
const NO_STORAGE = 10_047;

/** Whether the trouble stays until the operator changes something: a start with it is refused. */
export function isLasting(error: unknown): boolean {
  return (
    error instanceof StreamUnfitError ||
    error instanceof ForeignServerError ||
    error instanceof NatsRefusedError
  );
}

/** What is wrong with a connected NATS, by the error of a call to JetStream, and what to do about it. */
export function describeNatsTrouble(error: unknown, stream: string): string {
  if (error instanceof NatsRefusedError) return error.why;
  if (error instanceof Error && isLasting(error)) return error.message;
  if (!(error instanceof NatsError)) return `JetStream can not be used: ${String(error)}`;
  const { code, api_error: refusal } = error;
  if (refusal?.err_code === STREAM_NOT_FOUND)
    return `the stream ${stream} is missing: the score service creates it`;
  if (refusal?.err_code === NO_STORAGE)
    return `JetStream has no room for the stream ${stream}: free disk space, or raise max_file_store, and restart nats-server`;
  // Of the account, or of the whole server.
  if (refusal?.code === 503) return JETSTREAM_DISABLED;
  if (refusal !== undefined) return `JetStream refuses: ${refusal.description}`;
  switch (code) {
    case ErrorCode.Timeout:
    case ErrorCode.NoResponders:
      return JETSTREAM_DISABLED;
    case ErrorCode.PermissionsViolation:
    case ErrorCode.AuthorizationViolation:
    case ErrorCode.BadAuthentication:
      return 'it refuses our user: give it the rights of services/provision/nats-users.ts, and check NATS_URL';
    case ErrorCode.ConnectionClosed:
    case ErrorCode.Disconnect:
      return NOT_CONNECTED;
    default:
      return `JetStream can not be used: ${error.message}`;
  }
}
