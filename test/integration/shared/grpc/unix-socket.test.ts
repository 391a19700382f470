/** A service that listens at a Unix socket beside its port, with the same rules for callers. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RankService } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createGrpcClient } from '../../../../services/shared/grpc/grpc.ts';
import { parseSocket } from '../../../../services/shared/net/unix-socket.ts';
import { createTestAuthority } from '../../../support/access/certificates.ts';
import { startTlsServer } from '../../../support/doubles/tls-server.ts';

const SOON = { limitMs: 30_000 };
const named = (name: string) => [{ type: 'url' as const, value: `spiffe://scoreboard/${name}` }];
let folder: string;
let socket: string;
let opened: (() => unknown)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scoreboard-socket-'));
  socket = join(folder, 'rank.sock');
  opened = [];
});
afterEach(async () => {
  for (const close of opened.reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

async function start() {
  const authority = await createTestAuthority();
  const server = await startTlsServer(await authority.issue(named('rank')), { socket });
  opened.push(() => server.stop());
  const clientAs = async (name: string, address: string) => {
    const tls = await authority.issue(named(name));
    const client = createGrpcClient(RankService, { address, tls, unavailable: 'RANK_UNAVAILABLE' });
    opened.push(() => client.close());
    return client;
  };
  return { server, clientAs };
}

test('answers at both, and admits the same callers', async () => {
  const { server, clientAs } = await start();
  for (const address of [server.address, `unix:${socket}`]) {
    await (await clientAs('edge', address)).getTop({}, SOON);
    await expect((await clientAs('score', address)).getTop({}, SOON)).rejects.toMatchObject({
      reason: 'CALLER_NOT_ALLOWED',
    });
  }
  expect(server.callers).toEqual(['edge', 'edge']);
  expect((await stat(socket)).mode & 0o022).toBe(0);
});

test('starts again where a killed process left its socket', async () => {
  const child = spawn(process.execPath, [
    '-e',
    'require("net").createServer().listen(process.argv[1], () => console.log("on"))',
    socket,
  ]);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { clientAs } = await start();
  await (await clientAs('edge', `unix:${socket}`)).getTop({}, SOON);
});

test('does not take the socket of a running process, nor remove a file that is none', async () => {
  const other = createServer().listen(socket);
  await once(other, 'listening');
  await expect(start()).rejects.toThrow(`another process listens at ${socket}`);
  other.close();
  await once(other, 'close');
  await writeFile(socket, 'kept');
  await expect(start()).rejects.toThrow();
  expect((await stat(socket)).size).toBe(4);
});

test('refuses a path that no system takes', () => {
  const long = `/${'x'.repeat(103)}`;
  expect(parseSocket({ INTERNAL_SOCKET: long.slice(0, 103) })).toBe(long.slice(0, 103));
  for (const path of [long, 'run/rank.sock']) {
    expect(() => parseSocket({ INTERNAL_SOCKET: path })).toThrow('INTERNAL_SOCKET must be an absolute path');
  }
});
