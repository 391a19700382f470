/** TLS of a Postgres with a private authority, by every mode of libpq, and several hosts. */
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../dev/host/ports.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import {
  describePostgresTrouble,
  isRefused,
} from '../../../services/shared/stores/postgres/postgres-errors.ts';
import { createPostgresPool } from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { createTestAuthority } from '../../support/access/certificates.ts';
import { type DebianPostgres, startDebianPostgres } from '../../support/servers/debian-postgres.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

type Server = Awaited<ReturnType<typeof startTestPostgres>>;

let dir: string;
let secured: DebianPostgres;
let plain: Server;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-tls-'));
  // Other users run them.
  await chmod(dir, 0o711);
  const authority = await createTestAuthority();
  const [server, client] = await Promise.all([
    authority.issue([{ type: 'dns', value: 'localhost' }]),
    authority.issue([], { commonName: 'postgres', usages: ['client'] }),
  ]);
  const file = (name: string, content: Buffer) => writeFile(join(dir, name), content);
  await Promise.all([
    file('ca.pem', authority.ca),
    file('client.pem', client.cert),
    file('client.key', client.key),
    file('other.pem', (await createTestAuthority()).ca),
  ]);
  [secured, plain] = await Promise.all([
    startDebianPostgres(join(dir, 'secured'), {
      settings: {
        ...{ ssl: 'on', ssl_cert_file: 'server.pem', ssl_key_file: 'server.key', ssl_ca_file: 'ca.pem' },
        hba_file: join(dir, 'secured', 'hba.conf'),
      },
      files: {
        'server.pem': server.cert,
        'server.key': server.key,
        'ca.pem': authority.ca,
        'hba.conf': 'hostssl certified all all cert\nhost certified all all reject\nhost all all all trust\n',
      },
    }),
    startTestPostgres({ dataDir: join(dir, 'plain') }),
  ]);
});
afterAll(async () => {
  await Promise.all([secured?.stop(), plain?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

/** Whether a session is encrypted, or the line for the operator. */
async function sessionAt(url: string): Promise<string> {
  const pool = createPostgresPool({
    url,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 2_000,
  });
  try {
    const [row] = await pool.run(
      (sql) => sql<{ ssl: boolean }[]>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`,
      2_000,
    );
    return row?.ssl ? 'encrypted' : 'plain';
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return `${isRefused(error) ? 'for good' : 'for now'}: ${describePostgresTrouble(error)}`;
  } finally {
    await pool.close();
  }
}

describe('a server with a private authority', () => {
  it.each([
    ['localhost', 'sslmode=disable', /^plain$/],
    ['localhost', 'sslmode=prefer', /^encrypted$/],
    ['localhost', 'sslmode=require', /^encrypted$/],
    ['localhost', 'sslmode=verify-ca&sslrootcert=ca.pem', /^encrypted$/],
    ['localhost', 'sslmode=verify-full&sslrootcert=ca.pem', /^encrypted$/],
    ['127.0.0.1', 'sslmode=verify-ca&sslrootcert=ca.pem', /^encrypted$/],
    ['localhost', 'hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=ca.pem', /^encrypted$/],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert=ca.pem', /^for good: .*not for 127\.0\.0\.1/],
    [
      'localhost',
      'sslmode=verify-full',
      /^for good: .*not accepted \(.*\): name its certificate authority with sslrootcert/,
    ],
    ['localhost', 'sslmode=require&sslrootcert=other.pem', /^for good: .*not accepted/],
    // What Neon hands out, at a server of another authority than the public ones.
    ['localhost', 'sslmode=require&channel_binding=require', /^for good: .*not accepted/],
    ['localhost', 'sslmode=require&channel_binding=require&sslrootcert=ca.pem', /^encrypted$/],
  ])('%s?%s', async (host, query, expected) => {
    const given = query.replace(/(sslrootcert=)(\w+\.pem)/, `$1${dir}/$2`);
    const url = `postgres://postgres@${host}:${secured.port}/postgres?${given}`;
    expect(await sessionAt(url)).toMatch(expected);
  });

  it('takes the certificate of a client, which it demands for one database', async () => {
    const sql = connectPostgres({
      ...{ url: secured.url, connections: 1, applicationName: 'test', statementTimeoutMs: 5_000 },
    });
    await sql`create database certified`;
    await sql.end();
    const url = `postgres://postgres@localhost:${secured.port}/certified?sslmode=verify-full&sslrootcert=${dir}/ca.pem`;
    expect(await sessionAt(`${url}&sslcert=${dir}/client.pem&sslkey=${dir}/client.key`)).toBe('encrypted');
    expect(await sessionAt(url)).toMatch(/^for good/);
  });
});

describe('a server without TLS', () => {
  it.each([
    ['sslmode=prefer', /^plain$/],
    ['sslmode=allow', /^plain$/],
    [
      'sslmode=require',
      /^for good: the server at 127\.0\.0\.1:\d+ speaks no TLS, and the address demands it$/,
    ],
    ['sslmode=verify-full', /speaks no TLS/],
  ])('?%s', async (query, expected) => {
    expect(await sessionAt(`${plain.url}?${query}`)).toMatch(expected);
  });
});

it('a connection that is still being made when the pool is closed is given up', async () => {
  // It accepts connections and says nothing about TLS.
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port } = silent.address() as AddressInfo;
  const pool = createPostgresPool({
    ...{ url: `postgres://a@127.0.0.1:${port}/b?sslmode=require&connect_timeout=60`, connections: 1 },
    ...{ applicationName: 'test', statementTimeoutMs: 1_000 },
  });
  const asking = pool.run((sql) => sql`select`, 60_000).catch(String);
  const socket = await waitFor(() => sockets[0]);
  const closed = once(socket.resume(), 'close');
  await pool.close();
  await closed;
  expect(await asking).toMatch(/OUTCOME_UNKNOWN|STORE_UNAVAILABLE|connection/i);
  silent.close();
});

describe('several hosts', () => {
  const listed = (hosts: string, query = '') => plain.url.replace(/@[^/]+/, `@${hosts}`) + query;

  it('are tried one after another', async () => {
    const dead = await freePort();
    expect(await sessionAt(listed(`127.0.0.1:${dead},127.0.0.1:${plain.port}`))).toBe('plain');
    expect(await sessionAt(listed(`127.0.0.1:${dead},127.0.0.1:${dead}`))).toBe(
      'for now: it does not answer',
    );
  });

  it('are asked which of them takes writes', async () => {
    const wanted = '?target_session_attrs=read-write';
    const host = `127.0.0.1:${plain.port}`;
    expect(await sessionAt(listed(`127.0.0.1:${await freePort()},${host}`, wanted))).toBe('plain');
    const sql = connectPostgres({
      ...{ url: plain.url, connections: 1, applicationName: 'test', statementTimeoutMs: 5_000 },
    });
    await sql.unsafe(`alter system set default_transaction_read_only = on`);
    await sql`select pg_reload_conf()`;
    await sql.end();
    expect(await sessionAt(listed(host, wanted))).toBe('for now: no host of the address is read-write');
  });
});
