/** Addresses as providers, frameworks and libpq's users write them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type PostgresAddress,
  parseAddress,
} from '../../../../../../services/shared/stores/postgres/address/address.ts';
import { formatParts, parseParts } from '../../../../../../services/shared/stores/postgres/address/parts.ts';
import { withDatabasePassword } from '../../../../../../services/shared/stores/postgres/database-url.ts';

const at = (query: string) => parseAddress(`postgres://ann:secret@db.example/scores?${query}`);
const tlsOf = (query: string) => {
  const { use, verify } = at(query).tls;
  return `${use}: ${verify}`;
};
const toText = ({ host, hostaddr, port }: PostgresAddress['hosts'][number]) =>
  `${host}:${port}${hostaddr === undefined ? '' : ` at ${hostaddr}`}`;

describe('the server of an address', () => {
  it.each([
    ['postgres://ann:s@db/scores', ['db:5432'], 'ann', 's', 'scores'],
    ['postgresql://ann@db:6543/scores', ['db:6543'], 'ann', '', 'scores'],
    ['postgres://ann:p%40ss%2F%25@db/my%20board', ['db:5432'], 'ann', 'p@ss/%', 'my board'],
    ['postgres://ann:p@ss@db/scores', ['db:5432'], 'ann', 'p@ss', 'scores'],
    ['postgres://ann:a:b@[::1]:6543/scores', ['::1:6543'], 'ann', 'a:b', 'scores'],
    ['postgres://ann@h1:1,h2,[::1]:3/scores', ['h1:1', 'h2:5432', '::1:3'], 'ann', '', 'scores'],
    ['postgres://ann@/scores?host=/cloudsql/p:r:i', ['/cloudsql/p:r:i:5432'], 'ann', '', 'scores'],
    ['postgres://ann@%2Frun%2Fpostgresql/scores', ['/run/postgresql:5432'], 'ann', '', 'scores'],
    ['postgres:///scores?host=h1,h2&port=1,2&user=ann&password=x', ['h1:1', 'h2:2'], 'ann', 'x', 'scores'],
    ['host=h1,h2 port=6543 user=ann dbname=scores', ['h1:6543', 'h2:6543'], 'ann', '', 'scores'],
    [
      String.raw`host = db user=ann password = 'it\'s \\' dbname=scores`,
      ['db:5432'],
      'ann',
      String.raw`it's \ `.trim(),
      'scores',
    ],
    ['host=db.example hostaddr=10.0.0.7 user=ann', ['db.example:5432 at 10.0.0.7'], 'ann', '', ''],
    ['hostaddr=10.0.0.7 port=6543', ['10.0.0.7:6543 at 10.0.0.7'], '', '', ''],
    ['postgres://ann@db:6543/s?hostaddr=10.0.0.7', ['db:6543 at 10.0.0.7'], 'ann', '', 's'],
    ['host=h1,h2 hostaddr=,::1 port=1,', ['h1:1', 'h2:5432 at ::1'], '', '', ''],
    ['postgres://127.0.0.1:1/none', ['127.0.0.1:1'], '', '', 'none'],
  ])('%s', (address, hosts, user, password, database) => {
    const parsed = parseAddress(address);
    expect(parsed.hosts.map(toText)).toEqual(hosts);
    expect(parsed).toMatchObject({ user, password, database });
  });

  it.each(['host=h1,h2 hostaddr=10.0.0.7', 'host=h1,h2 port=1,2,3', 'postgres://h1,h2/s?hostaddr=10.0.0.7'])(
    'refuses lists that do not match: %s',
    (address) => {
      expect(() => parseAddress(address)).toThrow('lists of different lengths');
    },
  );

  it('keeps its IP address and port with a password from a setting', () => {
    const given = 'host=db.example hostaddr=10.0.0.7 port=6543 user=ann sslmode=verify-full';
    expect(parseAddress(withDatabasePassword(given, 's'))).toMatchObject({
      hosts: [{ host: 'db.example', hostaddr: '10.0.0.7', port: 6543 }],
      password: 's',
    });
  });

  it('is the same after an address was taken apart and written again', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const host = fc.constantFrom('db', '10.0.0.7', '::1', '/run/postgresql', 'db.example');
    const hostaddr = fc.constantFrom(undefined, '10.0.0.8', '::2');
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    const parts = fc.record({
      hosts: fc.array(fc.record({ host, hostaddr, port }), { minLength: 1, maxLength: 3 }),
      ...{ user: text, password: text, database: text },
      parameters: fc.constantFrom(new Map<string, string>(), new Map([['options', '-c a=b&c=%41']])),
    });
    fc.assert(
      fc.property(parts, (given) => {
        expect(parseParts(formatParts(given))).toEqual(given);
      }),
    );
  });
});

describe('TLS', () => {
  it.each([
    ['', 'never: nothing'],
    ['sslmode=disable', 'never: nothing'],
    ['sslmode=allow', 'if offered: nothing'],
    ['sslmode=prefer', 'if offered: nothing'],
    ['sslmode=require', 'always: nothing'],
    ['sslmode=verify-ca', 'always: authority'],
    ['sslmode=verify-full', 'always: authority and name'],
    ['sslrootcert=system', 'always: authority and name'],
    ['sslmode=require&sslrootcert=/etc/hostname', 'always: authority'],
    ['sslrootcert=/etc/hostname', 'if offered: nothing'],
    // Neon: the certificate stands in for the channel.
    ['sslmode=require&channel_binding=require', 'always: authority and name'],
    ['channel_binding=prefer', 'never: nothing'],
    ['ssl=true', 'always: nothing'],
    ['ssl=false', 'never: nothing'],
    ['sslaccept=strict', 'always: authority and name'],
  ])('?%s: %s', (query, expected) => {
    expect(tlsOf(query)).toBe(expected);
  });
});

describe('other parameters', () => {
  it('of libpq, Prisma and providers that say nothing here are dropped', () => {
    const query =
      'schema=public&connection_limit=5&pool_timeout=10&socket_timeout=3&gssencmode=disable&keepalives=1&supa=base-pooler.x&fallback_application_name=x&application_name=y&client_encoding=UTF8&sslcompression=0';
    expect(at(query)).toEqual(at(''));
  });

  it.each([
    ['pgbouncer=true', { pooled: true, prepares: false }],
    ['statement_cache_size=0', { pooled: false, prepares: false }],
    ['prepare=false', { pooled: false, prepares: false }],
    ['', { pooled: false, prepares: true }],
    ['connect_timeout=10', { connectTimeoutS: 10 }],
    ['connect_timeout=1', { connectTimeoutS: 2 }],
    ['connect_timeout=0', { connectTimeoutS: undefined }],
    ['options=endpoint%3Dep-cool-1', { options: 'endpoint=ep-cool-1' }],
    ['options=-c%20geqo=off', { options: '-c geqo=off' }],
    ['target_session_attrs=read-write', { wanted: 'read-write' }],
    ['target_session_attrs=any', { wanted: undefined }],
  ])('?%s', (query, expected) => {
    expect(at(query)).toMatchObject(expected);
  });
});

describe('an address is refused in one line', () => {
  const refusalOf = (address: string) => {
    try {
      parseAddress(address);
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };

  it.each([
    ['postgres://ann:s3cret@db/x?slmode=require', /parameter "slmode" that is not known/],
    ['postgres://ann:s3cret@db/x?sslmode=on', /sslmode=on, which must be one of disable, allow, prefer/],
    [
      'postgres://ann:s3cret@db/x?sslmode=disable&channel_binding=require',
      /channel_binding=require, which needs TLS/,
    ],
    [
      'postgres://ann:s3cret@db/x?sslmode=require&sslrootcert=system',
      /needs sslmode=verify-full, not require/,
    ],
    [
      'postgres://ann:s3cret@db/x?sslmode=verify-full&sslrootcert=/none',
      /sslrootcert=\/none, and this file can not be read: ENOENT/,
    ],
    ['postgres://ann:s3cret@db/x?sslmode=require&sslcert=/etc/hostname', /lacks sslkey/],
    [
      'postgres://ann:s3cret@db/x?passfile=/x',
      /"passfile" that is not supported: use DATABASE_PASSWORD_FILE/,
    ],
    ['postgres://ann:s3cret@db/x?gssencmode=require', /gssencmode=require, which is not supported/],
    ['postgres://ann:s3cret@db/x?target_session_attrs=standby', /the services write/],
    ['postgres://ann:s3cret@db/x?client_encoding=LATIN1', /client_encoding other than UTF8/],
    ['postgres://ann:s3cret@db:port/x', /a port that is not|no address|a host/],
    ['postgres://ann:s3cret@db:70000/x', /port that is not a number from 1 to 65535/],
    ['postgres://ann:s3cret%@db/x', /"%" in the password that is not percent-encoded/],
    ['postgres://ann:s3#cret@db/x', /is no address of Postgres/],
    ['mysql://ann:s3cret@db/x', /is no address of Postgres/],
    ["host=db password='s3cret", /is no address of Postgres/],
    ['', /is no address of Postgres/],
  ])('%s', (address, expected) => {
    expect(refusalOf(address)).toMatch(expected);
    expect(refusalOf(address)).not.toMatch(/s3|\n/);
  });
});
