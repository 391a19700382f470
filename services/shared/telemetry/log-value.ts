/**
 * The part of a value that goes into a log line: enough to understand it, without secrets, and limited in size. Values come from
 * clients, and errors of libraries contain whole requests and scripts.
 */

/** Fields with secrets, at any depth. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'token',
  'accessToken',
  'signature',
  'secret',
  'serviceKey',
  'password',
  'privateKey',
  // Node quotes the URL in an error about an invalid one.
  'input',
]);
const MASK = '[masked]';

/** Characters of one text, of a stack, and of all values of a line together. */
const TEXT_LENGTH = 500;
const STACK_LENGTH = 2_000;
export const LINE_LENGTH = 8_000;
/** Entries of one list or object. */
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
    // Such as a Secret, which prints as a mask.
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

/** Client libraries attach the command to an error. Its name is logged, but not its arguments, such as scripts and passwords. */
function withoutArguments(error: Error & { command?: unknown }): object {
  const { command } = error;
  if (typeof command !== 'object' || command === null) return error;
  return { ...error, command: 'name' in command ? command.name : MASK };
}
