/**
 * The parts of a Postgres address, in either form that libpq reads: `postgres://user:password@host:port,host/database?name=value`
 * or `host=… dbname=…`. An address may contain a password, so no error quotes it.
 */

export interface Place {
  /** The name, which a certificate must have. One that begins with "/" is the folder of a Unix socket. */
  readonly host: string;
  /** The IP address to connect to, if it is given beside the name. */
  readonly hostaddr: string | undefined;
  readonly port: number | undefined;
}

export interface AddressParts {
  /** In the order in which they are tried. */
  readonly hosts: readonly Place[];
  /** Empty for the user of this process. */
  readonly user: string;
  /** Empty when the address has none. */
  readonly password: string;
  /** Empty for a database with the name of the user. */
  readonly database: string;
  /** All other parameters, by name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The address can't be used; the message says why and quotes no value that may be secret. */
export class PostgresAddressError extends Error {
  override readonly name = 'PostgresAddressError';
}

const URL_FORM = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
/** One setting of the other form: a word, or a quoted value with escapes. */
const PAIR = /\s*([a-zA-Z_]\w*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/y;
const HOST_AND_PORT = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/;
const DEFAULT_HOST = 'localhost';
/** They name the server, and may stand among the parameters of a URL too. */
const NAMES_OF_PARTS = ['host', 'hostaddr', 'port', 'user', 'password', 'dbname'] as const;

export function parseParts(address: string): AddressParts {
  const text = address.trim();
  const url = URL_FORM.exec(text);
  if (url !== null) return fromUrl(url);
  const pairs = /^[a-z_]+\s*=/.test(text) ? readPairs(text) : undefined;
  if (pairs === undefined) {
    throw new PostgresAddressError(
      'is no address of Postgres: write postgres://user:password@host:port/database, with "@", "/", "?", "#" and "%" of a name or password percent-encoded',
    );
  }
  return toParts(pairs, []);
}

/** The address as a URL. */
export function formatParts({ hosts, user, password, database, parameters }: AddressParts): string {
  const encode = encodeURIComponent;
  const places = hosts.map(({ host, port }) => {
    const name = host.includes(':') ? `[${host}]` : encode(host);
    return port === undefined ? name : `${name}:${port}`;
  });
  const secret = password === '' ? '' : `:${encode(password)}`;
  const credentials = user === '' && secret === '' ? '' : `${encode(user)}${secret}@`;
  const addresses: Array<[string, string]> = hosts.some(({ hostaddr }) => hostaddr !== undefined)
    ? [['hostaddr', hosts.map(({ hostaddr = '' }) => hostaddr).join(',')]]
    : [];
  const query = [...addresses, ...parameters]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
  return `postgres://${credentials}${places.join(',')}/${encode(database)}${query === '' ? '' : `?${query}`}`;
}

function fromUrl([
  ,
  credentials = '',
  places = '',
  database = '',
  query = '',
]: RegExpExecArray): AddressParts {
  const given = new Map<string, string>();
  for (const pair of query.split('&').filter((each) => each !== '')) {
    const [name = '', ...value] = pair.split('=');
    given.set(decode(name, 'a parameter'), decode(value.join('=').replaceAll('+', '%20'), name));
  }
  const [user = '', ...password] = credentials.split(':');
  const before = (name: string, value: string) => {
    if (value !== '' && !given.has(name)) given.set(name, decode(value, `the ${name}`));
  };
  before('user', user);
  before('password', password.join(':'));
  before('dbname', database);
  return toParts(given, places === '' ? [] : places.split(',').map(readPlace));
}

function readPlace(place: string): Pick<Place, 'host' | 'port'> {
  const [, v6, name, port] = HOST_AND_PORT.exec(place) ?? [];
  if (v6 === undefined && name === undefined) {
    throw new PostgresAddressError('has a host that is not written as host:port or [IPv6 address]:port');
  }
  return {
    host: v6 ?? decode(name ?? '', 'the host'),
    port: port === undefined || port === '' ? undefined : readPort(port),
  };
}

function toParts(
  given: Map<string, string>,
  places: ReadonlyArray<Pick<Place, 'host' | 'port'>>,
): AddressParts {
  const hosts = placesOf(given, places);
  const text = (name: (typeof NAMES_OF_PARTS)[number]) => given.get(name) ?? '';
  const parts = { hosts, user: text('user'), password: text('password'), database: text('dbname') };
  for (const name of NAMES_OF_PARTS) given.delete(name);
  return { ...parts, parameters: given };
}

/** Names, IP addresses and ports are lists of one length, except that one port may be that of all. */
function placesOf(
  given: ReadonlyMap<string, string>,
  places: ReadonlyArray<Pick<Place, 'host' | 'port'>>,
): Place[] {
  const names = split(given.get('host'));
  const [addresses, ports] = [split(given.get('hostaddr')), split(given.get('port'))];
  const named = names.length === 0 ? places : names.map((host) => ({ host, port: undefined }));
  const length = Math.max(named.length, addresses.length, 1);
  if (named.length > 0 && addresses.length > 0 && named.length !== addresses.length)
    throw new PostgresAddressError('has lists of different lengths as host and hostaddr');
  if (ports.length > 1 && ports.length !== length)
    throw new PostgresAddressError('has lists of different lengths as hosts and ports');
  return Array.from({ length }, (_, at) => {
    const { host, port } = named[at] ?? {};
    const hostaddr = addresses[at] || undefined;
    const listed = ports.length > 1 ? ports[at] : ports[0];
    return {
      host: host || hostaddr || DEFAULT_HOST,
      hostaddr,
      port: port ?? (listed === undefined || listed === '' ? undefined : readPort(listed)),
    };
  });
}

function readPairs(text: string): Map<string, string> | undefined {
  const pairs = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const [, name, quoted, plain] = PAIR.exec(text) ?? [];
    if (name === undefined) return undefined;
    pairs.set(name, (quoted ?? plain ?? '').replace(/\\(.)/g, '$1'));
  }
  return pairs;
}

const split = (list: string | undefined): string[] =>
  list === undefined || list === '' ? [] : list.split(',').map((each) => each.trim());

function readPort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new PostgresAddressError('has a port that is not a number from 1 to 65535');
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new PostgresAddressError(`has a "%" in ${what} that is not percent-encoded: write it as %25`);
  }
}
