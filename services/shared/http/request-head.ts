/**
 * What the head of an HTTP request says about the request itself: the host that it was sent to, and where its body ends. An
 * ambiguous head is refused, since a proxy in front may have read it differently.
 */
import { isIPv4 } from 'node:net';
import { AppError } from '../errors/app-error.ts';

/** A host name or an address with an optional port, and nothing that could end a header or a directive. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{0,5}))?$/i;
const MAX_PORT = 65_535;
/** Names that a URL contains unchanged: without a label that is a number or belongs to an encoded name. */
const PLAIN_NAME = /^(?!.*xn--)[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*$/;
const LENGTH = /^\d+$/;
const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether a client's X-Request-Id is safe to log and to pass on. */
export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text);
}

/** The host without its port, as URLs write it. Refuses a header that is missing, repeated or malformed with REQUEST_INVALID. */
export function parseHostHeader(header: string | undefined): string {
  const host = parseHostAndPort(header ?? '');
  if (host !== undefined) return host.name;
  throw new AppError('REQUEST_INVALID', {
    message: 'The Host header is not exactly one host name or address with an optional port.',
  });
}

/** The host as URLs write it, and its port, empty if none is given; undefined if the text is anything else. */
export function parseHostAndPort(text: string): { name: string; port: string } | undefined {
  const [, given = '', port = ''] = HOST.exec(text) ?? [];
  const name = Number(port) <= MAX_PORT ? hostInUrls(given) : undefined;
  return name === undefined ? undefined : { name, port };
}

/** Parsing a URL costs a microsecond, and nearly all requests are for the same name. */
function hostInUrls(name: string): string | undefined {
  if (name === '') return undefined;
  return PLAIN_NAME.test(name) || isIPv4(name) ? name : URL.parse(`http://${name}/`)?.hostname;
}

/** Refuses with REQUEST_INVALID unless the end of the body is unambiguous: one length, or chunks and nothing else. */
export function assertFraming(headers: { get(name: string): string | undefined }): void {
  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  const isLength = coding === undefined && (length === undefined || LENGTH.test(length));
  const isChunks = length === undefined && coding?.toLowerCase() === 'chunked';
  if (isLength || isChunks) return;
  throw new AppError('REQUEST_INVALID', {
    message: 'Content-Length and Transfer-Encoding do not say for certain where the body ends.',
  });
}
