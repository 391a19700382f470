/** ETags: names of contents, so that a client or a cache that has them gets 304 instead. */
import { createHash } from 'node:crypto';

/** 132 bits. */
const CHARACTERS = 22;

export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, CHARACTERS)}"`;
}

/** A weak ETag (`W/`) names the same contents: ours of a compressed copy, or that of a proxy that compresses. */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
