/** CORS: answers only pages of the listed origins, without cookies. */
import { PREFLIGHT_MAX_AGE_S } from '../../../services/shared/http/allowed-headers.ts';
import type { HeaderList } from '../../../services/shared/http/error-answer.ts';
import type { AllowedOrigins } from '../../../services/shared/http/origins.ts';

const REQUEST_HEADERS: readonly string[] = [
  'Authorization',
  'Content-Type',
  'Connect-Protocol-Version',
  'Connect-Timeout-Ms',
  'Grpc-Timeout',
  'X-Grpc-Web',
  'X-User-Agent',
  'X-Request-Id',
];
const RESPONSE_HEADERS = [
  'Idempotent-Replayed',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id',
  'X-Scoreboard-Stale',
  'Grpc-Status',
  'Grpc-Message',
  'Grpc-Status-Details-Bin',
].join(', ');
const NOT_ALLOWED: HeaderList = [['Vary', 'Origin']];

export type Cors = ReturnType<typeof createCors>;

export function createCors(origins: Pick<AllowedOrigins, 'lists'>, allowedHeaders: readonly string[]) {
  const requestHeaders = [...REQUEST_HEADERS, ...allowedHeaders].join(', ');
  return {
    /** Headers of any answer to a page of this origin. */
    headers: (origin: string): HeaderList =>
      origins.lists(origin)
        ? [
            ['Access-Control-Allow-Origin', origin],
            ['Access-Control-Expose-Headers', RESPONSE_HEADERS],
            ['Vary', 'Origin'],
          ]
        : NOT_ALLOWED,
    /** Further headers of the answer to a preflight; undefined if the page may not call. */
    preflight: (origin: string): HeaderList | undefined =>
      origins.lists(origin)
        ? [
            ['Access-Control-Allow-Methods', 'GET, HEAD, POST'],
            ['Access-Control-Allow-Headers', requestHeaders],
            ['Access-Control-Max-Age', PREFLIGHT_MAX_AGE_S],
          ]
        : undefined,
  };
}
