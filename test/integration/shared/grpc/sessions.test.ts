/** Connections between services end when they are old or idle, and our own clients leave before that: no call fails by it. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { RankService } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createGrpcClient, SESSION_LIMITS } from '../../../../services/shared/grpc/grpc.ts';
import { createTestAuthority, type TestAuthority } from '../../../support/access/certificates.ts';
import { startTlsServer, type TlsServer } from '../../../support/doubles/tls-server.ts';
import { waitFor } from '../../../support/wait-for.ts';

const HOST = '127.0.0.1';
const LONG_MS = 60_000;
/** The library looks every ten seconds for connections that it can close. */
const RELEASE_LIMIT_MS = 30_000;
const MAX_AGE_REASON = 'max_age';
const named = (name: string) => [{ type: 'url' as const, value: `spiffe://scoreboard/${name}` }];

let opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.reverse()) await close();
  opened = [];
});

async function startServer(sessions: { maxAgeMs: number; maxIdleMs: number }) {
  const authority = await createTestAuthority();
  const server = await startTlsServer(await authority.issue(named('rank')), { sessions });
  opened.push(() => server.stop());
  return { authority, server };
}

/** A session of a peer that follows no rule of ours, and what it was told at its end. */
async function openSession(authority: TestAuthority, { address }: TlsServer) {
  const { ca, cert, key } = await authority.issue(named('edge'));
  const session = connect(`https://${address}`, { ca, cert, key, checkServerIdentity: () => undefined });
  opened.push(() => session.destroy());
  const told: { code: number; reason: string }[] = [];
  session.on('goaway', (code, _, data) => told.push({ code, reason: Buffer.from(data ?? []).toString() }));
  session.on('error', () => undefined);
  await once(session, 'connect');
  return { session, told };
}

/** Resolves when the stream has ended, however. */
function call(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': `/${RankService.typeName}/GetTop` },
      ...{ te: 'trailers', 'content-type': 'application/grpc' },
    });
    stream.on('error', () => undefined);
    stream.on('close', () => resolve());
    stream.resume();
    stream.end(Buffer.alloc(5));
  });
}

describe('a server', () => {
  test('ends an idle session', async () => {
    const { authority, server } = await startServer({ maxAgeMs: LONG_MS, maxIdleMs: 200 });
    const { session, told } = await openSession(authority, server);
    await once(session, 'close');
    expect(told[0]?.code).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test('ends a session of its age, however busy it is', async () => {
    const { authority, server } = await startServer({ maxAgeMs: 500, maxIdleMs: LONG_MS });
    const { session, told } = await openSession(authority, server);
    while (!session.closed && !session.destroyed) await call(session);
    expect(server.callers.length).toBeGreaterThan(0);
    expect(told[0]).toEqual({ code: constants.NGHTTP2_NO_ERROR, reason: MAX_AGE_REASON });
  });
});

/** Counts the connections that go through to a server, all of them and those that are open. */
async function countConnections({ address }: TlsServer) {
  const [, port] = address.split(':');
  const sockets = new Set<Socket>();
  let all = 0;
  const proxy: Server = createServer((near) => {
    all += 1;
    sockets.add(near);
    const far = connectTcp(Number(port), HOST);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('close', () => {
      sockets.delete(near);
      far.destroy();
    });
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, HOST, resolve));
  opened.push(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    address: `${HOST}:${(proxy.address() as AddressInfo).port}`,
    all: () => all,
    open: () => sockets.size,
  };
}

describe('a client of ours', () => {
  async function startClient(
    server: { maxAgeMs: number; maxIdleMs: number },
    sessions: { renewAfterMs: number; leaveAfterMs: number },
  ) {
    const { authority, server: running } = await startServer(server);
    const counted = await countConnections(running);
    const client = createGrpcClient(RankService, {
      address: counted.address,
      tls: await authority.issue(named('edge')),
      unavailable: 'RANK_UNAVAILABLE',
      sessions,
    });
    opened.push(() => client.close());
    return { client, counted };
  }

  test('moves to a new connection in time, and none of its calls fails', async () => {
    const { client, counted } = await startClient(
      { maxAgeMs: 3_000, maxIdleMs: LONG_MS },
      { renewAfterMs: 400, leaveAfterMs: LONG_MS },
    );
    const failures: unknown[] = [];
    let answered = 0;
    const keepCalling = async () => {
      // Longer than the server lets a connection live: one that was not left costs about two calls at its end.
      while (counted.all() < 12) {
        await client.getTop({}, { limitMs: 5_000 }).then(
          () => {
            answered += 1;
          },
          (error: unknown) => failures.push(error),
        );
      }
    };
    await Promise.all(Array.from({ length: 4 }, keepCalling));
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    await waitFor(() => (counted.open() === 1 ? true : undefined), {
      describe: 'the old connections to be closed',
      limitMs: RELEASE_LIMIT_MS,
    });
  });

  test('closes an idle connection, and opens one for its next call', async () => {
    const { client, counted } = await startClient(
      { maxAgeMs: LONG_MS, maxIdleMs: LONG_MS },
      { renewAfterMs: LONG_MS, leaveAfterMs: 1_000 },
    );
    await client.getTop({}, { limitMs: 5_000 });
    await waitFor(() => (counted.open() === 0 ? true : undefined), {
      describe: 'the connection to be let go',
      limitMs: RELEASE_LIMIT_MS,
    });
    await client.getTop({}, { limitMs: 5_000 });
    expect(counted.all()).toBe(2);
  });

  test('leaves before the server would send it away, by a wide margin', () => {
    const { maxAgeMs, maxIdleMs, renewAfterMs, leaveAfterMs } = SESSION_LIMITS;
    const EARLIEST_AGE = 0.9;
    const LONGEST_CALL_MS = 10_000;
    expect(renewAfterMs + LONGEST_CALL_MS).toBeLessThan(maxAgeMs * EARLIEST_AGE);
    expect(leaveAfterMs + LONGEST_CALL_MS).toBeLessThan(maxIdleMs);
  });
});
