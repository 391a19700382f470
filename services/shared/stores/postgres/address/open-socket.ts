/**
 * Opens connections to the servers of a Postgres address: the hosts one after another, each with TLS as the address demands. The
 * driver gets a socket that is ready for Postgres' own protocol. It would choose among hosts and begin TLS by itself, but it tries
 * hosts that are down without a pause, and can't say that a server speaks no TLS.
 */
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, connect as startTls } from 'node:tls';
import type { PostgresAddress, WantedServer } from './address.ts';
import { PostgresAddressError } from './parts.ts';
import type { TlsChoice } from './tls.ts';

type Host = PostgresAddress['hosts'][number];

/** The server speaks no TLS, or its certificate is not accepted. Waiting does not help. */
export const TLS_REFUSED = 'TLS_REFUSED';
/** No host of the address is the server that it wants. */
export const NO_WANTED_HOST = 'NO_WANTED_HOST';
export const CONNECT_TIMEOUT = 'CONNECT_TIMEOUT';

export interface OpenSocketOptions {
  readonly address: PostgresAddress;
  readonly timeoutMs: number;
  /** Asks a server, over a connection of its own, whether it is the wanted one. */
  readonly isWanted: (host: Host, wanted: WantedServer) => Promise<boolean>;
  /** Aborts when no socket is needed any more: the driver would not close one that comes after its end. */
  readonly ended: AbortSignal;
}

/** Asks the server for TLS (SSLRequest): length, then the number of the request. */
const TLS_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = 'S'.charCodeAt(0);
const NO = 'N'.charCodeAt(0);

class SocketError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The returned function never rejects: the driver would lose a connection for ever. A failure is an error of the socket. */
export function createOpenSocket({
  address,
  timeoutMs,
  isWanted,
  ended,
}: OpenSocketOptions): () => Promise<Duplex> {
  const { hosts, tls, wanted } = address;
  const context = createContext(tls);
  return async () => {
    let failure: unknown;
    for (const host of hosts) {
      try {
        if (wanted !== undefined && !(await isWanted(host, wanted))) {
          failure ??= new SocketError(NO_WANTED_HOST, `no host of the address is ${wanted}`);
          continue;
        }
        return await openHost(host, { tls, context, timeoutMs, ended });
      } catch (error) {
        failure = error;
      }
    }
    return failedSocket(failure instanceof Error ? failure : new Error(String(failure)));
  };
}

function createContext({ use, files }: TlsChoice): SecureContext | undefined {
  if (use === 'never') return undefined;
  try {
    return createSecureContext(files);
  } catch (cause) {
    throw new PostgresAddressError(
      `names certificates or keys that can not be used: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}

interface HostOptions {
  readonly tls: TlsChoice;
  readonly context: SecureContext | undefined;
  readonly timeoutMs: number;
  readonly ended: AbortSignal;
}

async function openHost(host: Host, options: HostOptions): Promise<Duplex> {
  const { tls, context, timeoutMs, ended } = options;
  const place = isFolder(host) ? host.host : `${host.host}:${host.port}`;
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ended]);
  const socket = isFolder(host)
    ? connect({ path: socketPath(host) })
    : connect({ host: host.hostaddr ?? host.host, port: host.port });
  // Pending readers get the error. The socket must always have an error listener, also between two phases.
  socket.on('error', ignore);
  try {
    await once(socket, 'connect', { signal });
    // As in libpq, a Unix socket needs no TLS.
    if (context === undefined || isFolder(host)) return socket;
    if (!tls.direct && !(await offersTls(socket, signal))) {
      if (tls.use === 'if offered') return socket;
      throw new SocketError(TLS_REFUSED, `the server at ${place} speaks no TLS, and the address demands it`);
    }
    return await secure(socket, host, { tls, context }, signal);
  } catch (error) {
    socket.destroy();
    const isOptional = tls.use === 'if offered' && socket.bytesRead > 0 && !ended.aborted;
    // As in libpq: without TLS, if the attempt with TLS fails.
    if (isOptional && context !== undefined) return openHost(host, { ...options, context: undefined });
    if (signal.aborted) throw new SocketError(CONNECT_TIMEOUT, `no connection to ${place} in time`);
    throw error;
  }
}

function ignore(): void {}

/** The socket in a folder, by the name that Postgres gives it. */
export const socketPath = ({ host, port }: Pick<Host, 'host' | 'port'>): string => `${host}/.s.PGSQL.${port}`;

const isFolder = ({ host, hostaddr }: Host): boolean => hostaddr === undefined && host.startsWith('/');

/** Whether the server goes on with TLS. The first byte of its answer says so, and there must be no other. */
async function offersTls(socket: Socket, signal: AbortSignal): Promise<boolean> {
  const ended = new AbortController();
  const closed = new Promise<never>((_, reject) => {
    const refuse = () =>
      reject(new SocketError('ECONNRESET', 'the server closed the connection when it was asked for TLS'));
    socket.once('close', refuse);
    ended.signal.addEventListener('abort', () => socket.off('close', refuse));
  });
  socket.write(TLS_REQUEST);
  try {
    const [answer] = (await Promise.race([once(socket, 'data', { signal }), closed])) as [Buffer];
    if (answer.length === 1 && answer[0] === YES) return true;
    if (answer.length === 1 && answer[0] === NO) return false;
    // Further bytes before the handshake can only come from an attacker on the network.
    throw new SocketError(TLS_REFUSED, 'the server gave no valid answer to the request for TLS');
  } finally {
    ended.abort();
  }
}

async function secure(
  socket: Socket,
  { host: name }: Host,
  { tls, context }: { tls: TlsChoice; context: SecureContext },
  signal: AbortSignal,
): Promise<Duplex> {
  const secured = startTls({
    socket,
    secureContext: context,
    host: name,
    ...(tls.sendsName && isIP(name) === 0 && { servername: name }),
    rejectUnauthorized: tls.verify !== 'nothing',
    ...(tls.verify === 'authority' && { checkServerIdentity: () => undefined }),
    ...(tls.direct && { ALPNProtocols: ['postgresql'] }),
  });
  try {
    await once(secured, 'secureConnect', { signal });
    return secured;
  } catch (error) {
    secured.destroy();
    throw signal.aborted ? error : tlsError(error, name);
  }
}

/** What Node says of a certificate that it does not accept. */
const CERTIFICATE_CODE = /CERT|SIGNATURE|ISSUER|^CRL_/;

function tlsError(cause: unknown, name: string): Error {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new SocketError(TLS_REFUSED, `the certificate of the server is not for ${name}: ${message}`, {
      cause,
    });
  }
  if (CERTIFICATE_CODE.test(code)) {
    const advice = 'name its certificate authority with sslrootcert';
    return new SocketError(
      TLS_REFUSED,
      `the certificate of the server is not accepted (${message}): ${advice}`,
      { cause },
    );
  }
  if (code.startsWith('ERR_SSL')) {
    return new SocketError(TLS_REFUSED, `the server and we could not agree on TLS: ${message}`, { cause });
  }
  return cause as Error;
}

/** Fails at the first write, when the driver listens. */
function failedSocket(error: Error): Duplex {
  return new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      done(error);
    },
  });
}
