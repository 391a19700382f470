/** The one door to postgres.js: connections to a server or a pooler. */
import postgres from 'postgres';
import { Deadline } from '../../flow/deadline.ts';
import type { Secret } from '../../settings/secret.ts';
import { type PostgresAddress, parseAddress, type WantedServer } from './address/address.ts';
import { createOpenSocket } from './address/open-socket.ts';
import { DEFAULT_SCHEMA, searchPath } from './database-schema.ts';
import { PoolerRefusedError, refusedParameter } from './postgres-errors.ts';
import { BYTEA, pooledParameters, sessionParameters } from './postgres-session.ts';

export {
  describePostgresTrouble,
  isRefused,
  isRepeatIn,
  isUnstorable,
  isValueRefused,
  POSTGRES_READ_ONLY,
  sqlCode,
  toStoreError,
  UNIQUE_VIOLATION,
} from './postgres-errors.ts';

export type Sql = postgres.Sql<{ bigint: bigint }>;

export interface PostgresOptions {
  url: Secret | string;
  /** Most connections. */
  connections: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** The schema of the tables. */
  schema?: string;
  /** For the server, so that it ends statements that were given up here. */
  statementTimeoutMs: number;
}

const CONNECT_TIMEOUT_S = 2;
/** A host that does not say by then what it is, is passed over. */
const WANTED_LIMIT_MS = 2_000;
/** Short and constant: Postgres restarts in a second or two. */
const RECONNECT_DELAY_S = 0.2;
/** Connections are renewed regularly, so that a pool follows a server that moved. */
const MAX_CONNECTION_AGE_S = 30 * 60;

/**
 * An array parameter in Postgres' text form, to be cast in the statement: `${arrayLiteral(ids)}::text[]`. The library could
 * do this only after querying the server's types on each connection.
 */
export function arrayLiteral(values: ReadonlyArray<string | number | bigint>): string {
  return `{${values.map((value) => (typeof value === 'string' ? quoted(value) : String(value))).join(',')}}`;
}

function quoted(value: string): string {
  return `"${/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;
}

export function connectPostgres(options: PostgresOptions): Sql {
  return connectTo(parseAddress(options.url), options);
}

/** Resolves when the server answers. Unlike connectPostgres, it finds out by itself that the address leads to a pooler. */
export async function openPostgres(options: PostgresOptions, limitMs: number): Promise<Sql> {
  const address = parseAddress(options.url);
  const deadline = Deadline.after(limitMs);
  const open = async (each: PostgresAddress): Promise<Sql> => {
    const sql = connectTo(each, options);
    try {
      // A server that is silent, as one behind a proxy can be, ends no statement by itself.
      await deadline.race(sql`select`, () => {
        throw new Error(`Postgres did not answer within ${limitMs} ms`);
      });
      return sql;
    } catch (error) {
      await sql.end({ timeout: 0 }).catch(ignoreDestroyed);
      throw error;
    }
  };
  return open(address).catch((error: unknown) => {
    const pooled = pooledAfter(error, address);
    return open(pooled).catch((again: unknown) => open(pooledAfter(again, pooled)));
  });
}

/** The address as that of a pooler, if the error says that it is one; otherwise throws the error. */
export function pooledAfter(error: unknown, address: PostgresAddress): PostgresAddress {
  const parameter = refusedParameter(error);
  if (parameter === undefined) throw error;
  if (address.pooled || parameter === 'options') throw new PoolerRefusedError(parameter, error);
  return { ...address, pooled: true, prepares: false };
}

export function connectTo(address: PostgresAddress, options: PostgresOptions): Sql {
  const { connections, applicationName, schema = DEFAULT_SCHEMA, statementTimeoutMs } = options;
  const { hosts, user, password, database, pooled } = address;
  const timeoutS = address.connectTimeoutS ?? CONNECT_TIMEOUT_S;
  const session = {
    ...{ applicationName, statementTimeoutMs, options: address.options },
    searchPath: searchPath(schema),
  };
  const ended = new AbortController();
  const settings = {
    // The library only names it in errors.
    host: hosts[0]?.host,
    port: hosts[0]?.port,
    ...(user !== '' && { user }),
    ...(database !== '' && { database }),
    password,
    // Not in the library's types.
    socket: createOpenSocket({
      ...{ address, timeoutMs: timeoutS * 1000, ended: ended.signal },
      isWanted: (host, wanted) => isWanted({ ...address, hosts: [host] }, wanted, options),
    }),
    ssl: false,
    max: connections,
    connect_timeout: timeoutS,
    max_lifetime: MAX_CONNECTION_AGE_S,
    backoff: () => RECONNECT_DELAY_S,
    fetch_types: false,
    prepare: address.prepares,
    onnotice: () => {},
    types: { bigint: postgres.BigInt, bytea: BYTEA },
    connection: pooled ? pooledParameters(session) : sessionParameters(session),
  };
  const sql = postgres(settings as postgres.Options<{ bigint: postgres.PostgresType<bigint> }>) as Sql;
  const end = sql.end;
  sql.end = (how) => end(how).finally(() => ended.abort());
  return sql;
}

/** Whether a host is the server that the address wants. */
async function isWanted(
  address: PostgresAddress,
  wanted: WantedServer,
  options: PostgresOptions,
): Promise<boolean> {
  const sql = connectTo({ ...address, wanted: undefined }, { ...options, connections: 1 });
  try {
    const asking = sql<{ standby: boolean; mode: string }[]>`
      select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as mode`;
    const [row] = await Deadline.after(WANTED_LIMIT_MS).race(asking);
    return wanted === 'primary' ? row?.standby === false : row?.mode === 'off';
  } finally {
    sql.end({ timeout: 0 }).catch(ignoreDestroyed);
  }
}

/** `end` rejects with the errors of the queries that it cut, which their callers have received. */
export function ignoreDestroyed(): void {}
