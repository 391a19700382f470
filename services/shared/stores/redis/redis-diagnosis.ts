/**
 * Why a Redis that takes connections does not answer: TLS on one side alone, or a certificate that it misses. The client library
 * only sees that the connection is reset.
 */
import { connect as connectPlain } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Secret } from '../../settings/secret.ts';
import { describeTlsTrouble, type TlsFiles, tlsOptionsOf } from '../tls-files.ts';

/** A server that works answers long before. */
const LIMIT_MS = 1_000;
/** With TLS 1.3 a server refuses a missing certificate only after the handshake. */
const REFUSAL_WITHIN_MS = 300;

export interface RedisPlace {
  readonly url: Secret | string;
  readonly tls?: TlsFiles | undefined;
}

/** Undefined if nothing is found: the server is away. Never rejects. */
export async function diagnoseRedis({ url, tls }: RedisPlace): Promise<string | undefined> {
  const address = URL.parse(Secret.of(url).reveal());
  if (address === null) return undefined;
  const at = {
    host: address.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(address.port === '' ? 6379 : address.port),
  };
  if (address.protocol === 'redis:')
    return (await handshake({ ...at, rejectUnauthorized: false })) === undefined
      ? 'it speaks TLS at this port: begin REDIS_URL with rediss://'
      : undefined;
  const [fault, isPlain] = await Promise.all([
    handshake({ ...at, ...(tls && tlsOptionsOf(tls)) }),
    speaksPlain(at),
  ]);
  if (fault === undefined) return undefined;
  if (isPlain)
    return 'it does not speak TLS at this port: begin REDIS_URL with redis://, or name the port for TLS';
  return describeTlsTrouble(fault, 'REDIS');
}

/** Undefined if it succeeds, or else the error. */
function handshake(options: ConnectionOptions): Promise<Error | undefined> {
  const socket = connectTls(options);
  return new Promise((resolve) => {
    const end = (result: Error | undefined) => {
      resolve(result);
      socket.destroy();
    };
    let fault: Error | undefined = new Error('no answer');
    socket.setTimeout(LIMIT_MS, () => end(fault));
    socket.once('secureConnect', () => {
      fault = undefined;
      socket.setTimeout(REFUSAL_WITHIN_MS);
    });
    socket.on('error', end);
    socket.once('close', () => end(new Error('closed')));
  });
}

/** Any answer will do, also a refusal. */
function speaksPlain(at: { host: string; port: number }): Promise<boolean> {
  const socket = connectPlain(at, () => socket.write('PING\r\n'));
  return new Promise((resolve) => {
    const end = (speaks: boolean) => {
      resolve(speaks);
      socket.destroy();
    };
    socket.setTimeout(LIMIT_MS, () => end(false));
    socket.once('data', (chunk) => end(/^[+-]/.test(chunk.toString('latin1'))));
    socket.on('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
