/** Fields of the canonical forms that the audit chain hashes. */

/** The length in bytes, a colon, the text: a list of fields has one reading, whatever they contain. */
export const encodeField = (text: string): string => `${Buffer.byteLength(text)}:${text}`;
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
