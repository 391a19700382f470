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

/** Every reason that clients may receive, with its kind and its message. Reasons are stable: they are never renamed. */
export const REASONS = {
  BODY_INVALID: ['invalid_argument', 'The body is not one JSON object of the documented form.'],
  REQUEST_INVALID: ['invalid_argument', 'The request head is malformed, too large or ambiguous.'],
  BODY_TOO_LARGE: ['resource_exhausted', 'The body is larger than the documented limit.'],
  CONTENT_TYPE_UNSUPPORTED: ['invalid_argument', 'This route does not accept this content type.'],
  LEADERBOARD_INVALID: ['invalid_argument', 'The leaderboard id does not match [A-Za-z0-9_-]{1,64}.'],
  USER_ID_INVALID: ['invalid_argument', 'The user id is not 1 to 128 printable ASCII bytes.'],
  ISSUER_UNKNOWN: ['invalid_argument', 'No identity provider of this issuer is configured.'],
  SUBJECT_INVALID: ['invalid_argument', 'The subject is not 1 to 255 characters of text.'],
  USERNAME_INVALID: ['invalid_argument', 'The username is not 1 to 32 visible characters.'],
  USERNAME_DENIED: ['invalid_argument', 'This name is not allowed here. Choose another one.'],
  ACTION_ID_INVALID: ['invalid_argument', 'The action id does not match [A-Za-z0-9_-]{1,64}.'],
  POINTS_INVALID: ['invalid_argument', 'Points are not a whole number from 0 to 2^53-1.'],
  SIGNATURE_REQUIRED: ['invalid_argument', 'The signature is missing or not a string.'],
  CELL_INVALID: ['invalid_argument', 'The cell is not a whole number from 0 to 8.'],
  TARGET_INVALID: ['invalid_argument', 'This round has not shown this target.'],
  VALUE_UNSTORABLE: ['invalid_argument', 'The database can not store a value of this request. Change it.'],
  LIMIT_INVALID: ['invalid_argument', 'A page size is outside the documented range.'],
  CURSOR_INVALID: [
    'invalid_argument',
    'The cursor is not one that this board gave. Begin again without a cursor.',
  ],
  QUERY_INVALID: ['invalid_argument', 'A query parameter is not of the documented form.'],
  BATCH_SIZE_INVALID: ['invalid_argument', 'The batch is empty or larger than the documented limit.'],
  TOKEN_REQUIRED: ['unauthenticated', 'A bearer token is required.'],
  TOKEN_INVALID: ['unauthenticated', 'The token is not valid here: forged, expired or of another kind.'],
  TOKEN_TOO_LARGE: ['unauthenticated', 'The token is longer than 8,192 characters.'],
  TOKEN_IN_URL: [
    'invalid_argument',
    'A token must not be in a URL. Send it in the handshake or in a message.',
  ],
  SERVICE_KEY_INVALID: ['unauthenticated', 'The call carries no key of a known service.'],
  SERVICE_CERTIFICATE_INVALID: ['unauthenticated', 'The certificate belongs to no known service.'],
  CALLER_NOT_ALLOWED: ['permission_denied', 'This service may not call this method.'],
  ORIGIN_NOT_ALLOWED: ['permission_denied', 'The origin of the page is not in ALLOWED_ORIGINS.'],
  HANDSHAKE_INVALID: [
    'invalid_argument',
    'The WebSocket handshake is malformed or requests something that is not supported.',
  ],
  MESSAGE_INVALID: ['invalid_argument', 'The message is not a documented one.'],
  SUBSCRIPTION_LIMIT_REACHED: ['resource_exhausted', 'No further leaderboard can be watched here.'],
  SIGNATURE_INVALID: [
    'permission_denied',
    'The signature does not cover exactly this action of this player.',
  ],
  SIGNATURE_EXPIRED: ['permission_denied', 'The signature has expired.'],
  ACTION_CONFLICT: ['already_exists', 'The action id was already used with other contents.'],
  ACTION_VOIDED: [
    'already_exists',
    'An operator has taken this action back. It does not count, and its id never counts again.',
  ],
  ACTION_NOT_FOUND: ['not_found', 'No action with this id has counted for this player.'],
  OPERATION_ID_INVALID: ['invalid_argument', 'The operation id does not match [A-Za-z0-9_-]{1,64}.'],
  OPERATION_CONFLICT: ['already_exists', 'The operation id was already used with other contents.'],
  REASON_INVALID: [
    'invalid_argument',
    'The reason is not 1 to 500 visible characters, or the name of the operator more than 100.',
  ],
  SCORE_OUT_OF_RANGE: ['out_of_range', 'The corrected score would not be within 0 and 2^53-1.'],
  SCORE_LIMIT_REACHED: ['out_of_range', 'The total would pass 2^53-1.'],
  POINTS_OVER_CAP: [
    'out_of_range',
    'The action has more points than this leaderboard allows for one action.',
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
  PLAYER_QUARANTINED: ['permission_denied', 'Scores of this player are not accepted at present.'],
  LIMITS_INVALID: ['invalid_argument', 'The limits contradict each other, or there are too many.'],
  BOARD_NOT_FOUND: ['not_found', 'There is no board of this name. Ask its operator to create it.'],
  BOARD_EXISTS: ['already_exists', 'There is a board of this name already.'],
  BOARD_HAS_SCORES: [
    'already_exists',
    'The board has scores: its operator, order and decimals can not change, and it can not be deleted.',
  ],
  BOARD_NEEDED: ['invalid_argument', 'The default board can not be deleted.'],
  BOARD_INVALID: ['invalid_argument', 'A setting of the board is outside the documented range.'],
  BOARD_CLOSED: ['permission_denied', 'The board takes no scores at present.'],
  PLAYER_NOT_FOUND: ['not_found', 'The player has no score on this board.'],
  PLAYER_NOT_REMOVED: ['not_found', 'The player is not removed from this board.'],
  ROUND_NOT_FOUND: ['not_found', 'The round is over, unknown, or not yours.'],
  ROUTE_NOT_FOUND: ['not_found', 'This path does not exist.'],
  METHOD_NOT_ALLOWED: ['unimplemented', 'This path does not accept this method.'],
  RATE_LIMITED: ['resource_exhausted', 'Too many requests. The answer says when to retry.'],
  OVERLOADED: ['resource_exhausted', 'The service is at its limit. Retry shortly.'],
  OUTBOX_FULL: [
    'resource_exhausted',
    'Too many accepted scores wait for delivery. Nothing was counted; retry shortly.',
  ],
  NODE_FULL: ['unavailable', 'This node can take no further sockets now. Retry shortly.'],
  DEADLINE_EXCEEDED: [
    'deadline_exceeded',
    'No answer in time. Whether the action counted is unknown: retry it unchanged.',
  ],
  OUTCOME_UNKNOWN: [
    'unavailable',
    'The connection was lost during the commit. Retry unchanged: the action counts once.',
  ],
  STORE_UNAVAILABLE: ['unavailable', 'The database cannot be reached. Nothing was counted; retry unchanged.'],
  PLAYER_LOCKED: [
    'unavailable',
    'Another session of the database holds this player. Nothing was counted; retry unchanged.',
  ],
  AUTH_UNAVAILABLE: [
    'unavailable',
    'The auth service cannot be reached. Nothing was counted; retry unchanged.',
  ],
  SCORE_UNAVAILABLE: [
    'unavailable',
    'The score service cannot be reached. Retry unchanged: the action counts once.',
  ],
  RANK_UNAVAILABLE: ['unavailable', 'The rank service cannot be reached. Boards cannot be read now.'],
  INDEX_UNAVAILABLE: ['unavailable', 'There is no rank index now. Boards are read from the database.'],
  VERSION_NOT_REACHED: [
    'unavailable',
    'The rank index has not reached the requested version yet. Retry shortly.',
  ],
  SHUTTING_DOWN: ['unavailable', 'This process is stopping. Retry in a moment.'],
  INTERNAL: ['internal', 'An internal error occurred.'],
} as const satisfies Record<string, readonly [ErrorKind, string]>;

export type Reason = keyof typeof REASONS;

export function isReason(word: string): word is Reason {
  return Object.hasOwn(REASONS, word);
}

export interface AppErrorOptions {
  /** For the caller. The reason's own message by default. */
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
    // A refusal is an answer, not a bug. Recording the stack would cost more than the rest of the refusal. A cause keeps its
    // own stack.
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

/** A thrown value as an error that a caller may see. */
export function toAppError(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError('INTERNAL', { cause: thrown });
}
