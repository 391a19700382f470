/**
 * The statuses that the public ports answer with, and their status lines. RFC 9112 requires a space after the number, and
 * uWebSockets.js sends a line as it is given. A status without a line here does not compile.
 */
const PHRASES = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const;

export type HttpStatus = keyof typeof PHRASES;

/** Such as "404 Not Found". */
export function statusLine(status: HttpStatus): string {
  return `${status} ${PHRASES[status]}`;
}
