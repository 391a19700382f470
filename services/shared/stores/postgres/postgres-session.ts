/**
 * The settings of our sessions that statements and their results rely on. The connection sets them, whatever the server, the database
 * or the role has for defaults.
 */

interface SessionOptions {
  readonly applicationName: string;
  /** Where names are looked up. */
  readonly searchPath: string;
  readonly statementTimeoutMs: number;
  /** Command-line options of the address. */
  readonly options: string | undefined;
}

/** A pooler knows these, and keeps them for each of its clients. */
const KEPT_BY_POOLERS = {
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  standard_conforming_strings: 'on',
};

const PINNED = {
  ...KEPT_BY_POOLERS,
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  // await-writers.ts of rank relies on it.
  default_transaction_isolation: 'read committed',
  // Statements have a limit of their own.
  lock_timeout: '0',
};

/** Parameters of the startup message of a session of our own. */
export function sessionParameters({
  applicationName,
  searchPath,
  statementTimeoutMs,
  options,
}: SessionOptions) {
  return {
    application_name: applicationName,
    ...PINNED,
    search_path: searchPath,
    statement_timeout: statementTimeoutMs,
    ...(options !== undefined && { options }),
  };
}

/**
 * Parameters for a pooler in transaction mode, which refuses all others. The role sets the rest (services/database/roles.ts);
 * a statement that is given up here ends at the limit of the role.
 */
export function pooledParameters({ applicationName, options }: SessionOptions) {
  return { application_name: applicationName, ...KEPT_BY_POOLERS, ...(options !== undefined && { options }) };
}

/** The same settings as a role may have them, as statements for `alter role`. */
export const ROLE_SETTINGS: ReadonlyArray<readonly [name: string, value: string]> = Object.entries(PINNED);

const OID_OF_BYTEA = 17;

/** The type bytea, in both forms that a server may write, since a pooler's session may have either. */
export const BYTEA = {
  to: OID_OF_BYTEA,
  from: [OID_OF_BYTEA],
  serialize: (bytes: Uint8Array): string => `\\x${Buffer.from(bytes).toString('hex')}`,
  parse: (text: string): Buffer =>
    text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : fromEscape(text),
};

/** The form "escape": a backslash is doubled, and bytes outside of ASCII are a backslash and three octal digits. */
function fromEscape(text: string): Buffer {
  const plain = text.replace(/\\(\\|[0-7]{3})/g, (_, escaped: string) =>
    escaped === '\\' ? '\\' : String.fromCharCode(Number.parseInt(escaped, 8)),
  );
  return Buffer.from(plain, 'latin1');
}
