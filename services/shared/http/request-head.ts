/**
 * What the head of an HTTP request says about the request itself: which host it was sent to, and where its body ends. A head
 * that can be read in two ways is refused, since a proxy in front may have read it in the other.
 */
import { isIPv4 } from 'node:net';
import { AppError } from '../errors/app-error.ts';

/** A host name or an address with an optional port, and nothing that could end a header or a directive. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{0,5}))?$/i;
const MAX_PORT = 65_535;
/** Names that stand in URLs as they are; no label that is a number, or of an encoded name. */
const PLAIN_NAME = /^(?!.*xn--)[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*$/;
const LENGTH = /^\d+$/;

/** The host without its port, as URLs write it. Refuses a header that is missing, repeated or malformed with REQUEST_INVALID. */
export function parseHostHeader(header: string | undefined): string {
  const [, name = '', port = ''] = HOST.exec(header ?? '') ?? [];
  const host = Number(port) <= MAX_PORT ? hostInUrls(name) : undefined;
  if (host !== undefined) return host;
  throw new AppError('REQUEST_INVALID', {
    message: 'The Host header is not exactly one host name or address with an optional port.',
  });
}

/** Reading a URL costs a microsecond, and nearly every request comes for the same name. */
function hostInUrls(name: string): string | undefined {
  if (name === '') return undefined;
  return PLAIN_NAME.test(name) || isIPv4(name) ? name : URL.parse(`http://${name}/`)?.hostname;
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
