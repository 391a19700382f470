/** The codes and statuses of error kinds in each protocol. Codes are google.rpc.Code; HTTP statuses follow Connect's mapping. */
import type { ErrorKind, Reason } from './app-error.ts';
import type { HttpStatus } from './http-status.ts';

interface WireForm {
  /** google.rpc.Code, used by gRPC and Connect. */
  readonly code: number;
  readonly httpStatus: HttpStatus;
}

export const ERROR_TABLE: Readonly<Record<ErrorKind, WireForm>> = {
  invalid_argument: { code: 3, httpStatus: 400 },
  deadline_exceeded: { code: 4, httpStatus: 504 },
  not_found: { code: 5, httpStatus: 404 },
  already_exists: { code: 6, httpStatus: 409 },
  permission_denied: { code: 7, httpStatus: 403 },
  resource_exhausted: { code: 8, httpStatus: 429 },
  out_of_range: { code: 11, httpStatus: 400 },
  unimplemented: { code: 12, httpStatus: 501 },
  internal: { code: 13, httpStatus: 500 },
  unavailable: { code: 14, httpStatus: 503 },
  unauthenticated: { code: 16, httpStatus: 401 },
};

const KIND_OF_CODE = new Map(
  Object.entries(ERROR_TABLE).map(([kind, wire]) => [wire.code, kind as ErrorKind]),
);

/** The kind for a google.rpc.Code; codes that we never send are `internal`. */
export function kindOfCode(code: number): ErrorKind {
  return KIND_OF_CODE.get(code) ?? 'internal';
}

/**
 * The reason for a refusal without a reason, or with one that only a newer version knows. Its kind still says whether a retry
 * helps. `unavailable` is the reason for a callee that can't be reached.
 */
export function generalReason(kind: ErrorKind, unavailable: Reason): Reason {
  if (kind === 'unavailable') return unavailable;
  if (kind === 'deadline_exceeded') return 'DEADLINE_EXCEEDED';
  return kind === 'resource_exhausted' ? 'OVERLOADED' : 'INTERNAL';
}
