/** CORS: answers only pages of the allowed origins, without cookies. */
import { AppError } from '../../shared/errors/app-error.ts';
import { PREFLIGHT_MAX_AGE_S } from '../../shared/http/allowed-headers.ts';
import type { HeaderList } from '../../shared/http/error-answer.ts';
import type { AllowedOrigins } from '../../shared/http/origins.ts';

/** The request headers that decide. */
interface Caller {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

const REQUEST_HEADERS: readonly string[] = ['Authorization', 'Content-Type', 'X-Request-Id'];

export type Cors = ReturnType<typeof createCors>;

export function createCors(allowedOrigins: AllowedOrigins, allowedHeaders: readonly string[]) {
  const requestHeaders = [...REQUEST_HEADERS, ...allowedHeaders].join(', ');
  const isAllowed = (origin: string | undefined, host = ''): origin is string =>
    origin !== undefined && allowedOrigins.allows(origin, host);
  return {
    /** Headers of every answer. */
    headers({ origin, host }: Caller): HeaderList {
      if (!isAllowed(origin, host)) return [['Vary', 'Origin']];
      return [
        ['Vary', 'Origin'],
        ['Access-Control-Allow-Origin', origin],
        ['Access-Control-Expose-Headers', 'RateLimit, RateLimit-Policy, Retry-After, X-Request-Id'],
      ];
    },
    /** Further headers of the answer to a preflight. Refuses with ORIGIN_NOT_ALLOWED. */
    preflight({ origin, host }: Caller): HeaderList {
      if (!isAllowed(origin, host)) throw new AppError('ORIGIN_NOT_ALLOWED');
      return [
        ['Access-Control-Allow-Methods', 'POST'],
        ['Access-Control-Allow-Headers', requestHeaders],
        ['Access-Control-Max-Age', PREFLIGHT_MAX_AGE_S],
      ];
    },
  };
}
