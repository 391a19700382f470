/** Which pages may read our answers: an exact list of origins, nothing reflected, no cookies. */
import type { HeaderList } from './exchange.ts';

export interface Cors {
  /** Headers for any answer to a page of this origin. */
  headers(origin: string): HeaderList;
  /** Further headers for the answer to a preflight, or undefined when the page may not call. */
  preflight(origin: string): HeaderList | undefined;
}

const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Connect-Protocol-Version',
  'Connect-Timeout-Ms',
  'Grpc-Timeout',
  'X-Grpc-Web',
  'X-User-Agent',
  'X-Request-Id',
].join(', ');
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
/** Two hours, in seconds; browsers keep a preflight's answer no longer. */
const PREFLIGHT_MAX_AGE_S = '7200';

const NOT_ALLOWED: HeaderList = [['Vary', 'Origin']];

export function createCors(allowedOrigins: readonly string[]): Cors {
  const answers = new Map(
    allowedOrigins.map((origin) => [
      origin,
      [
        ['Access-Control-Allow-Origin', origin],
        ['Access-Control-Expose-Headers', RESPONSE_HEADERS],
        ['Vary', 'Origin'],
      ] as const,
    ]),
  );
  return {
    headers: (origin) => answers.get(origin) ?? NOT_ALLOWED,
    preflight: (origin) =>
      answers.has(origin)
        ? [
            ['Access-Control-Allow-Methods', 'GET, HEAD, POST'],
            ['Access-Control-Allow-Headers', REQUEST_HEADERS],
            ['Access-Control-Max-Age', PREFLIGHT_MAX_AGE_S],
          ]
        : undefined,
  };
}
