/**
 * What becomes of each parameter of a Postgres address. Providers and frameworks write parameters of libpq, of Prisma and of other
 * clients into the addresses that they hand out; those without a meaning here are dropped by name, so that such an address works
 * as it is. Any other name is refused: a parameter that was mistyped must not be ignored.
 */
import { PostgresAddressError } from './parts.ts';

/** Parameters that `address.ts` and `tls.ts` read. */
const READ = [
  ...['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'sslcrl', 'sslsni'],
  ...['sslnegotiation', 'ssl_min_protocol_version', 'ssl_max_protocol_version', 'sslaccept', 'sslidentity'],
  ...['channel_binding', 'target_session_attrs', 'options', 'connect_timeout', 'application_name'],
  ...['pgbouncer', 'statement_cache_size', 'prepare', 'client_encoding', 'gssencmode'],
] as const;
export type ParameterName = (typeof READ)[number];

/** Parameters that say nothing to us. Limits and the session's settings are our own. */
const DROPPED = [
  // libpq
  ...[
    'fallback_application_name',
    'keepalives',
    'keepalives_idle',
    'keepalives_interval',
    'keepalives_count',
  ],
  ...['tcp_user_timeout', 'sslcompression', 'sslcertmode', 'krbsrvname', 'gsslib', 'gssdelegation'],
  ...['load_balance_hosts', 'min_protocol_version', 'max_protocol_version'],
  // Prisma
  ...['schema', 'connection_limit', 'pool_timeout', 'socket_timeout', 'max_idle_connection_lifetime'],
  ...['max_connection_lifetime'],
  // hints of providers to their own clients
  ...['supa', 'workaround', 'uselibpqcompat', 'pool_mode'],
];

/** Parameters of libpq that an address may rely on and that we can't keep. */
const REFUSED: Readonly<Record<string, string>> = {
  service: 'write the address itself',
  servicefile: 'write the address itself',
  passfile: 'use DATABASE_PASSWORD_FILE',
  sslcrldir: 'use sslcrl with one file',
  sslkeylogfile: 'it would reveal the keys of connections',
  requirepeer: 'use TLS with sslmode=verify-full',
  require_auth: 'let pg_hba.conf choose the method',
  replication: 'the services open no connection for replication',
  scram_client_key: 'use a password',
  scram_server_key: 'use a password',
};

export type Parameters = Readonly<Partial<Record<ParameterName, string>>>;

/** Returns the parameters with a meaning. Throws, with its name, at one that is unknown or can't be kept. */
export function readParameters(given: ReadonlyMap<string, string>): Parameters {
  const read: Partial<Record<ParameterName, string>> = {};
  for (const [name, value] of given) {
    if (isRead(name)) {
      if (value !== '') read[name] = value;
      continue;
    }
    if (DROPPED.includes(name)) continue;
    const instead = REFUSED[name];
    const problem =
      instead === undefined ? 'that is not known: remove it' : `that is not supported: ${instead}`;
    throw new PostgresAddressError(`has the parameter ${JSON.stringify(name)} ${problem}`);
  }
  return read;
}

function isRead(name: string): name is ParameterName {
  return (READ as readonly string[]).includes(name);
}

/** One of the values that a parameter may have. */
export function oneOf<Value extends string>(
  parameters: Parameters,
  name: ParameterName,
  values: readonly Value[],
): Value | undefined {
  const given = parameters[name];
  const value = values.find((each) => each === given);
  if (given === undefined || value !== undefined) return value;
  throw new PostgresAddressError(`has ${name}=${given}, which must be one of ${values.join(', ')}`);
}
