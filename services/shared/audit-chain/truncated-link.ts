/**
 * Links whose digest is truncated. Earlier versions read a server that wrote bytea in the form "escape" (bytea_output) as if it
 * wrote hexadecimal digits, so digests and heads that were read back lost all but their first bytes. A link that was made of such
 * values was made with the right key, but its digest proves next to nothing. It is no tampering: the head shows that the key made
 * it. Its actions are sealed again by a later link.
 */
const DIGEST_BYTES = 32;

interface Contents {
  readonly digest: Uint8Array;
  readonly erased: Uint8Array;
}

/** Whether a link has a digest of which only the first bytes were read. No other cause makes a shorter one. */
export function isTruncated({ digest, erased }: Contents): boolean {
  return erased.length === 0 && digest.length < DIGEST_BYTES;
}

/** What an earlier version read of these bytes: the form "escape" without its first two characters, as far as it is hexadecimal. */
export function readAsHex(bytes: Uint8Array): Buffer {
  const text = Array.from(bytes, (byte) => {
    if (byte === 0x5c) return '\\\\';
    return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte);
  });
  return Buffer.from(text.join('').slice(2), 'hex');
}

/** Whether a truncated digest is what an earlier version read of this whole one. */
export function isTruncationOf(truncated: Uint8Array, digest: Uint8Array): boolean {
  return Buffer.compare(truncated, readAsHex(digest)) === 0;
}
