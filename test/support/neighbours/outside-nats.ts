/** A NATS as people run it: clusters, users, TLS with a private authority, and accounts whose users have a JWT and a key. */
import { nkeys } from 'nats';
import { freePort } from '../../../dev/host/ports.ts';
import type { TestAuthority } from '../access/certificates.ts';
import { type OutsideServer, startOutsideServer, writeFiles } from './outside-server.ts';

export interface NatsUser {
  readonly user: string;
  readonly password: string;
}

/** A server with these settings, in the syntax of its configuration file. */
async function startNats(dir: string, settings: object): Promise<OutsideServer> {
  const port = await freePort();
  const files = await writeFiles(dir, {
    'nats.conf': JSON.stringify({ host: '127.0.0.1', port, ...settings }),
  });
  return startOutsideServer('nats-server', ['--config', files['nats.conf']], port);
}

/** Two servers that know each other, each with a user of its own and TLS. */
export async function startNatsCluster(
  dir: string,
  authority: TestAuthority,
  users: readonly [NatsUser, NatsUser],
): Promise<readonly [OutsideServer, OutsideServer]> {
  const routes = [await freePort(), await freePort()];
  const tls = await tlsOf(dir, authority);
  const start = (at: 0 | 1) =>
    startNats(`${dir}/${at}`, {
      server_name: `n${at}`,
      ...{ tls, authorization: { users: [users[at]] } },
      cluster: {
        ...{ name: 'c', host: '127.0.0.1', port: routes[at] },
        routes: routes.map((port) => `nats-route://127.0.0.1:${port}`),
      },
    });
  return [await start(0), await start(1)];
}

export async function startTlsNats(
  dir: string,
  authority: TestAuthority,
  user: NatsUser,
): Promise<OutsideServer> {
  const tls = { ...(await tlsOf(dir, authority)), verify: true };
  return startNats(dir, { tls, authorization: { users: [user] }, jetstream: { store_dir: dir } });
}

export const startPlainNats = (dir: string, user: NatsUser): Promise<OutsideServer> =>
  startNats(dir, { authorization: { users: [user] } });

/** For localhost and 127.0.0.1. */
async function tlsOf(dir: string, authority: TestAuthority) {
  const { cert, key } = await authority.issue([
    { type: 'dns', value: 'localhost' },
    { type: 'ip', value: '127.0.0.1' },
  ]);
  const files = await writeFiles(dir, { 'nats.crt': cert, 'nats.key': key, 'ca.crt': authority.ca });
  return { cert_file: files['nats.crt'], key_file: files['nats.key'], ca_file: files['ca.crt'] };
}

/** A server that knows its operator and one account. Answers the text of a credentials file of a user of that account. */
export async function startJwtNats(dir: string): Promise<{ server: OutsideServer; credentials: string }> {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const limits = {
    subs: -1,
    conn: -1,
    leaf: -1,
    imports: -1,
    exports: -1,
    data: -1,
    payload: -1,
    wildcards: true,
  };
  const operatorJwt = jwtOf(operator, operator, 'operator', {});
  const accountJwt = jwtOf(operator, account, 'account', { limits });
  const userJwt = jwtOf(account, user, 'user', { subs: -1, data: -1, payload: -1 });
  const server = await startNats(dir, {
    ...{ operator: operatorJwt, resolver: 'MEMORY' },
    resolver_preload: { [account.getPublicKey()]: accountJwt },
  });
  const seed = new TextDecoder().decode(user.getSeed());
  const credentials = [
    ...['-----BEGIN NATS USER JWT-----', userJwt, '------END NATS USER JWT------', ''],
    ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
  ].join('\n');
  return { server, credentials };
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

function jwtOf(issuer: KeyPair, subject: KeyPair, type: string, claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = {
    ...{ jti: type, iat: Math.floor(Date.now() / 1_000), iss: issuer.getPublicKey() },
    ...{ name: type, sub: subject.getPublicKey(), nats: { ...claims, type, version: 2 } },
  };
  const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(body)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}
