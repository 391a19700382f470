/** What browsers are told about who may call: the allowed origins alone, no cookies. */
import { AppError } from '../../shared/errors/app-error.ts';
import type { AllowedOrigins } from '../../shared/http/origins.ts';

export type Headers = Readonly<Record<string, string>>;

/** The two headers of a request that decide. */
export interface Caller {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

export interface Cors {
  /** Headers for any answer to a page of this origin. */
  headers(caller: Caller): Headers;
  /** Further headers for the answer to a preflight. Refuses with ORIGIN_NOT_ALLOWED. */
  preflight(caller: Caller): Headers;
}

/** Two hours, in seconds; browsers keep a preflight's answer no longer. */
const PREFLIGHT_MAX_AGE_S = '7200';

export function createCors(allowedOrigins: AllowedOrigins): Cors {
  const isAllowed = ({ origin, host = '' }: Caller) =>
    origin !== undefined && allowedOrigins.allows(origin, host);
  return {
    headers(caller) {
      const { origin } = caller;
      if (origin === undefined || !isAllowed(caller)) return { vary: 'Origin' };
      return {
        vary: 'Origin',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'Retry-After, X-Request-Id',
      };
    },
    preflight(caller) {
      if (!isAllowed(caller)) throw new AppError('ORIGIN_NOT_ALLOWED');
      return {
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'Authorization, Content-Type, X-Request-Id',
        'access-control-max-age': PREFLIGHT_MAX_AGE_S,
      };
    },
  };
}
