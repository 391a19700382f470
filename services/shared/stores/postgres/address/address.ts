/** The meaning of a Postgres address for our connections. */
import { Secret } from '../../../settings/secret.ts';
import { oneOf, type Parameters, readParameters } from './parameters.ts';
import { type AddressParts, type Place, PostgresAddressError, parseParts } from './parts.ts';
import { readTls, type TlsChoice } from './tls.ts';

export interface PostgresAddress extends Omit<AddressParts, 'parameters' | 'hosts'> {
  readonly hosts: ReadonlyArray<Place & { readonly port: number }>;
  readonly tls: TlsChoice;
  /** The server to choose among the hosts; undefined takes the first that can be reached. */
  readonly wanted: WantedServer | undefined;
  /** Command-line options for the session, such as `-c name=value` or the endpoint of a provider. */
  readonly options: string | undefined;
  /** The limit of one attempt to connect; undefined leaves it to us. */
  readonly connectTimeoutS: number | undefined;
  /** A pooler assigns each transaction to another session: no parameters that it refuses, no prepared statements. */
  readonly pooled: boolean;
  /** Whether statements may be prepared. */
  readonly prepares: boolean;
}

const DEFAULT_PORT = 5432;
const WANTED = ['read-write', 'primary'] as const;
export type WantedServer = (typeof WANTED)[number];
const READERS = ['read-only', 'standby', 'prefer-standby'] as const;

/** Throws PostgresAddressError for an address that can't be used. */
export function parseAddress(address: Secret | string): PostgresAddress {
  const { parameters: given, hosts, ...parts } = parseParts(Secret.of(address).reveal());
  const parameters = readParameters(given);
  refuseOthers(parameters);
  const pooled = isTrue(parameters, 'pgbouncer');
  return {
    ...parts,
    hosts: hosts.map(({ port = DEFAULT_PORT, ...place }) => ({ ...place, port })),
    tls: readTls(parameters),
    wanted: readWanted(parameters),
    options: parameters.options,
    connectTimeoutS: readSeconds(parameters),
    pooled,
    prepares: !pooled && parameters.statement_cache_size !== '0' && isTrue(parameters, 'prepare', true),
  };
}

function refuseOthers(parameters: Parameters): void {
  const encoding = parameters.client_encoding?.toLowerCase().replace(/[-_]/g, '');
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'auto') {
    throw new PostgresAddressError('has a client_encoding other than UTF8');
  }
  if (oneOf(parameters, 'gssencmode', ['disable', 'prefer', 'require']) === 'require') {
    throw new PostgresAddressError('has gssencmode=require, which is not supported: use TLS');
  }
}

function readWanted(parameters: Parameters): WantedServer | undefined {
  const wanted = oneOf(parameters, 'target_session_attrs', ['any', ...WANTED, ...READERS]);
  if (wanted === undefined || wanted === 'any') return undefined;
  if (wanted === 'read-write' || wanted === 'primary') return wanted;
  throw new PostgresAddressError(
    `has target_session_attrs=${wanted}, and the services write: use read-write or primary`,
  );
}

/** As in libpq, zero means no limit: then ours applies. */
function readSeconds({ connect_timeout: given }: Parameters): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d{1,4}$/.test(given)) return Number(given) === 0 ? undefined : Math.max(2, Number(given));
  throw new PostgresAddressError('has a connect_timeout that is not a number of seconds');
}

function isTrue(parameters: Parameters, name: 'pgbouncer' | 'prepare', otherwise = false): boolean {
  const value = oneOf(parameters, name, ['true', 'false', '1', '0']);
  return value === undefined ? otherwise : value === 'true' || value === '1';
}
