/** JSON request bodies: the object in the bytes. Nothing is converted. */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../errors/app-error.ts';

/** Some clients begin UTF-8 with it; it is no part of the text (RFC 8259, 8.1). */
const BYTE_ORDER_MARK = '\ufeff';

/**
 * The fields of the one JSON object in the body. Refuses anything else with BODY_INVALID. JSON.parse makes `__proto__` an
 * own field like any other and keeps the last of two fields with the same name.
 */
export function parseJsonObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  // Decoding would replace invalid bytes without an error.
  if (!isUtf8(bytes)) throw new AppError('BODY_INVALID');
  const text = bytes.toString();
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch (cause) {
    throw new AppError('BODY_INVALID', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AppError('BODY_INVALID');
  return value as Readonly<Record<string, unknown>>;
}
