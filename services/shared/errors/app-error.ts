/**
 * The errors a caller can act on. Everything else that is thrown is a bug and reaches the caller only as INTERNAL.
 * A message is written for the caller: no vendor text, no secrets, no stack.
 */

/** The kinds of refusal, named after the gRPC codes they become on the wire. */
export type ErrorKind =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'already_exists'
  | 'out_of_range'
  | 'resource_exhausted'
  | 'unimplemented'
  | 'unavailable'
  | 'deadline_exceeded'
  | 'internal';

/** Every reason that can stand on the wire, with the kind it belongs to and what it means. Stable: never renamed. */
export const REASONS = {
  BODY_INVALID: ['invalid_argument', 'The body is not one JSON object of the documented form.'],
  REQUEST_INVALID: [
    'invalid_argument',
    'The head of the request is malformed, too large, or can be read in two ways.',
  ],
  BODY_TOO_LARGE: ['resource_exhausted', 'The body is larger than the documented limit.'],
  CONTENT_TYPE_UNSUPPORTED: ['invalid_argument', 'The content type is not one that this route reads.'],
  LEADERBOARD_INVALID: ['invalid_argument', 'The leaderboard id does not match [A-Za-z0-9_-]{1,64}.'],
  USER_ID_INVALID: ['invalid_argument', 'The user id is not 1 to 128 printable ASCII bytes.'],
  USERNAME_INVALID: ['invalid_argument', 'The username is not 1 to 32 printable characters.'],
  ACTION_ID_INVALID: ['invalid_argument', 'The action id does not match [A-Za-z0-9_-]{1,64}.'],
  POINTS_INVALID: ['invalid_argument', 'Points are not a whole number from 0 to 2^53-1.'],
  SIGNATURE_REQUIRED: ['invalid_argument', 'The signature is missing or not a string.'],
  CELL_INVALID: ['invalid_argument', 'The cell is not a whole number from 0 to 8.'],
  TARGET_INVALID: ['invalid_argument', 'The target is not one that this round has shown.'],
  LIMIT_INVALID: ['invalid_argument', 'A page size is outside the documented range.'],
  BATCH_SIZE_INVALID: ['invalid_argument', 'The batch is empty or larger than the documented limit.'],
  TOKEN_REQUIRED: ['unauthenticated', 'A bearer token is required.'],
  TOKEN_INVALID: ['unauthenticated', 'The token is not valid here: forged, expired, or of another kind.'],
  TOKEN_IN_URL: ['invalid_argument', 'A token never goes into a URL; send it in the handshake or a message.'],
  SERVICE_KEY_INVALID: ['unauthenticated', 'The call does not carry the key of a known service.'],
  SERVICE_CERTIFICATE_INVALID: ['unauthenticated', 'The certificate is not that of a known service.'],
  CALLER_NOT_ALLOWED: ['permission_denied', 'This service may not call this method.'],
  ORIGIN_NOT_ALLOWED: ['permission_denied', 'The page is not on the list of allowed origins.'],
  HANDSHAKE_INVALID: [
    'invalid_argument',
    'The WebSocket handshake asks for something that is not offered here.',
  ],
  MESSAGE_INVALID: ['invalid_argument', 'The message is not one of the documented ones.'],
  SUBSCRIPTION_LIMIT_REACHED: ['resource_exhausted', 'No more leaderboards can be watched here.'],
  SIGNATURE_INVALID: [
    'permission_denied',
    'The signature does not cover exactly this action of this player.',
  ],
  SIGNATURE_EXPIRED: ['permission_denied', 'The signature has expired.'],
  ACTION_CONFLICT: ['already_exists', 'The action id was already used with other contents.'],
  SCORE_LIMIT_REACHED: ['out_of_range', 'The total would pass 2^53-1.'],
  POINTS_OVER_CAP: [
    'out_of_range',
    'The action has more points than one action of this leaderboard may have.',
  ],
  TOO_SOON: ['resource_exhausted', 'Too little time has passed since the last action of this kind.'],
  WINDOW_ACTIONS_EXCEEDED: [
    'resource_exhausted',
    'More actions than this leaderboard allows in its window of time.',
  ],
  WINDOW_POINTS_EXCEEDED: [
    'resource_exhausted',
    'More points than this leaderboard allows in its window of time.',
  ],
  PLAYER_QUARANTINED: ['permission_denied', 'No scores of this player are accepted now.'],
  LIMITS_INVALID: ['invalid_argument', 'The limits do not fit together, or there are too many already.'],
  PLAYER_NOT_FOUND: ['not_found', 'The player has no score on this board.'],
  ROUND_NOT_FOUND: ['not_found', 'The round is over, unknown, or not yours.'],
  ROUTE_NOT_FOUND: ['not_found', 'There is nothing at this address.'],
  METHOD_NOT_ALLOWED: ['unimplemented', 'The address exists, but not with this method.'],
  RATE_LIMITED: ['resource_exhausted', 'Too many requests; the answer says when to come back.'],
  OVERLOADED: ['resource_exhausted', 'The service is at its limit; try again shortly.'],
  OUTBOX_FULL: [
    'resource_exhausted',
    'Too many accepted scores still wait for delivery; nothing was counted. Try again shortly.',
  ],
  NODE_FULL: ['unavailable', 'This node has all the sockets it can take now; try again shortly.'],
  DEADLINE_EXCEEDED: [
    'deadline_exceeded',
    'No answer in time. Whether the action counted is unknown: retry it unchanged.',
  ],
  OUTCOME_UNKNOWN: [
    'unavailable',
    'The connection was lost while committing. Retry unchanged: it counts once.',
  ],
  STORE_UNAVAILABLE: ['unavailable', 'The database can not be reached; nothing was counted.'],
  AUTH_UNAVAILABLE: ['unavailable', 'The auth service can not be reached; nothing was counted.'],
  SCORE_UNAVAILABLE: [
    'unavailable',
    'The score service can not be reached. Retry unchanged: it counts once.',
  ],
  RANK_UNAVAILABLE: ['unavailable', 'The rank service can not be reached: boards can not be read now.'],
  INDEX_UNAVAILABLE: ['unavailable', 'There is no rank index now: boards are read from the database.'],
  VERSION_NOT_REACHED: ['unavailable', 'This reader has not reached the requested version yet.'],
  SHUTTING_DOWN: ['unavailable', 'This process is stopping; try another, or again in a moment.'],
  INTERNAL: ['internal', 'Something failed on our side.'],
} as const satisfies Record<string, readonly [ErrorKind, string]>;

export type Reason = keyof typeof REASONS;

export function isReason(word: string): word is Reason {
  return Object.hasOwn(REASONS, word);
}

export interface AppErrorOptions {
  /** For the caller; the reason's own sentence when left out. */
  message?: string;
  /** For the log only. */
  cause?: unknown;
  /** Milliseconds until the same call can succeed. */
  retryAfterMs?: number;
}

/** A refusal with a stable reason. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKind;
  readonly reason: Reason;
  readonly retryAfterMs: number;

  constructor(reason: Reason, options: AppErrorOptions = {}) {
    // A refusal is an answer, not an accident: recording the stack would cost more than all the rest of refusing. What
    // caused it keeps its own.
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(
      options.message ?? REASONS[reason][1],
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    Error.stackTraceLimit = depth;
    this.reason = reason;
    this.kind = REASONS[reason][0];
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** Whatever was thrown, as something that may be shown to a caller. */
export function toAppError(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError('INTERNAL', { cause: thrown });
}
