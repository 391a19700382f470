/**
 * What of a value goes into a log line: enough to understand it, never a secret, never more than fits. Values come from clients,
 * and errors of libraries carry whole requests and scripts.
 */

/** Fields that carry secrets, at whatever depth. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'token',
  'accessToken',
  'signature',
  'secret',
  'serviceKey',
  'password',
  'privateKey',
  // What Node quotes in an error about a URL that it can't read.
  'input',
]);
const MASK = '[masked]';

/** Characters of one text, of a stack, and of all values of a line together. */
const TEXT_LENGTH = 500;
const STACK_LENGTH = 2_000;
export const LINE_LENGTH = 8_000;
/** Of one list or object. */
const ENTRIES = 20;
const DEPTH = 5;

/** The fields of one line, each cut to size. */
export function boundFields(fields: object): Record<string, unknown> {
  let left = LINE_LENGTH;

  function cut(text: string, length = TEXT_LENGTH): string {
    const kept = text.slice(0, Math.min(length, left));
    left -= kept.length;
    return kept.length === text.length ? text : `${kept}… (${text.length} characters)`;
  }

  function bound(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return cut(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth === 0 || left <= 0) return '…';
    if (value instanceof Error) return boundError(value, depth);
    // Such as a Secret, which shows a mask.
    if ('toJSON' in value && typeof value.toJSON === 'function') return bound(value.toJSON(), depth - 1);
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
    if (Array.isArray(value)) return value.slice(0, ENTRIES).map((item) => bound(item, depth - 1));
    return boundEntries(value, depth);
  }

  function boundEntries(value: object, depth: number): Record<string, unknown> {
    const entries = Object.entries(value).slice(0, ENTRIES);
    return Object.fromEntries(
      entries.map(([name, item]) => [name, SECRET_FIELDS.has(name) ? MASK : bound(item, depth - 1)]),
    );
  }

  /** Type, message, stack and cause are not among the entries of an error. */
  function boundError(error: Error, depth: number): Record<string, unknown> {
    return {
      type: error.constructor.name,
      message: cut(error.message),
      stack: cut(error.stack ?? '', STACK_LENGTH),
      ...(error.cause !== undefined && { cause: bound(error.cause, depth - 1) }),
      ...boundEntries(withoutArguments(error), depth),
    };
  }

  return boundEntries(fields, DEPTH);
}

/** Clients of servers add the command to its error: its name is told, not the script or the password that it carries. */
function withoutArguments(error: Error & { command?: unknown }): object {
  const { command } = error;
  if (typeof command !== 'object' || command === null) return error;
  return { ...error, command: 'name' in command ? command.name : MASK };
}
