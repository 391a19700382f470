/**
 * What the head of an HTTP request says about the request itself: which host it was sent to, and where its body ends. A head
 * that can be read in two ways is refused, since a proxy in front may have read it in the other.
 */
import { AppError } from './app-error.ts';

/** A host name or an address with an optional port, and nothing that could end a header or a directive. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i;
const LENGTH = /^\d+$/;

/** The host without its port, as URLs write it. Refuses a header that is missing, repeated or malformed with REQUEST_INVALID. */
export function parseHostHeader(header: string | undefined): string {
  const host =
    header !== undefined && HOST.test(header) ? URL.parse(`http://${header}/`)?.hostname : undefined;
  if (host !== undefined) return host;
  throw new AppError('REQUEST_INVALID', {
    message: 'The Host header is not exactly one host name or address with an optional port.',
  });
}

/** Refuses with REQUEST_INVALID unless it is certain where the body ends: one length, or chunks and nothing else. */
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
