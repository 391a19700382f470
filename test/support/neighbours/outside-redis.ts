/** A Redis as hosts offer it: TLS with a certificate of a private authority, and a password. And one that is a cluster. */
import { freePort } from '../../../dev/host/ports.ts';
import type { TestAuthority } from '../access/certificates.ts';
import { type OutsideServer, startOutsideServer, writeFiles } from './outside-server.ts';

interface Access {
  readonly user: string;
  readonly password: string;
  readonly asksForCertificate?: boolean;
}

/** Its certificate is for localhost and 127.0.0.1. */
export async function startTlsRedis(
  dir: string,
  authority: TestAuthority,
  { user, password, asksForCertificate = false }: Access,
): Promise<OutsideServer> {
  const { cert, key } = await authority.issue([
    { type: 'dns', value: 'localhost' },
    { type: 'ip', value: '127.0.0.1' },
  ]);
  const files = await writeFiles(dir, { 'redis.crt': cert, 'redis.key': key, 'ca.crt': authority.ca });
  const port = await freePort();
  return startRedis(dir, port, [
    ...['--port', '0', '--tls-port', String(port)],
    ...['--tls-cert-file', files['redis.crt'], '--tls-key-file', files['redis.key']],
    ...['--tls-ca-cert-file', files['ca.crt'], '--tls-auth-clients', asksForCertificate ? 'yes' : 'no'],
    ...['--user', 'default', 'off', '--user', user, 'on', `>${password}`, '~*', '&*', '+@all'],
  ]);
}

export async function startClusterRedis(dir: string): Promise<OutsideServer> {
  await writeFiles(dir, {});
  const [port, bus] = [await freePort(), await freePort()];
  return startRedis(dir, port, [
    ...['--port', String(port), '--cluster-enabled', 'yes', '--cluster-port', String(bus)],
  ]);
}

function startRedis(dir: string, port: number, args: readonly string[]): Promise<OutsideServer> {
  return startOutsideServer(
    'redis-server',
    ['--bind', '127.0.0.1', '--dir', dir, '--save', '', ...args],
    port,
  );
}
