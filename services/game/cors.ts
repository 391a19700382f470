/** Which pages may call: an exact list of origins, nothing reflected, no cookies. */
import { AppError } from '../shared/app-error.ts';

export type Headers = Readonly<Record<string, string>>;

export interface Cors {
  /** Headers for any answer to a page of this origin. */
  headers(origin: string | undefined): Headers;
  /** Further headers for the answer to a preflight. Refuses with ORIGIN_NOT_ALLOWED. */
  preflight(origin: string | undefined): Headers;
}

/** Two hours, in seconds; browsers keep a preflight's answer no longer. */
const PREFLIGHT_MAX_AGE_S = '7200';

export function createCors(allowedOrigins: readonly string[]): Cors {
  const allowed = new Set(allowedOrigins);
  return {
    headers(origin) {
      if (origin === undefined || !allowed.has(origin)) return { vary: 'Origin' };
      return {
        vary: 'Origin',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'Retry-After, X-Request-Id',
      };
    },
    preflight(origin) {
      if (origin === undefined || !allowed.has(origin)) throw new AppError('ORIGIN_NOT_ALLOWED');
      return {
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'Authorization, Content-Type, X-Request-Id',
        'access-control-max-age': PREFLIGHT_MAX_AGE_S,
      };
    },
  };
}
