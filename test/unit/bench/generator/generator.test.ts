import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { updateFrame } from '../../../../edge/fanout/frames/frames.ts';
import { Crowd } from '../../../bench/generator/crowd.ts';
import { createHistogram } from '../../../bench/generator/histogram.ts';
import { runLoad } from '../../../bench/generator/load.ts';
import { getRequest } from '../../../bench/generator/requests.ts';
import { waitFor } from '../../../support/wait-for.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function startServer(statusOf: (path: string) => number): Promise<{ port: number; paths: string[] }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    const body = 'x'.repeat(200);
    response.writeHead(statusOf(request.url ?? ''), { 'Content-Length': body.length });
    // In two pieces, as a busy network may deliver it.
    response.write(body.slice(0, 50));
    response.end(body.slice(50));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { port: (server.address() as AddressInfo).port, paths };
}

const requests = (count: number) => Array.from({ length: count }, (_, index) => getRequest(`/${index}`));

describe('a closed loop', () => {
  test('sends every request once, over all connections, and counts the answers', async () => {
    const { port, paths } = await startServer((path) => (path === '/3' ? 429 : 200));
    const result = await runLoad(requests(50), {
      port,
      connections: 4,
      seconds: 10,
      warmupS: 0,
      keepAccepted: true,
    });
    expect(new Set(paths).size).toBe(50);
    expect(paths).toHaveLength(50);
    expect(result.statuses).toEqual({ 200: 49, 429: 1 });
    expect(result.acceptedIndexes).toHaveLength(49);
    expect(result.acceptedIndexes).not.toContain(3);
  });

  test('counts connections that break as errors, not as answers', async () => {
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const result = await runLoad(requests(3), { port, connections: 1, seconds: 10, warmupS: 0 });
    expect(result.statuses).toEqual({ 0: 3 });
    expect(result.accepted).toBe(0);
  });
});

describe('an open loop', () => {
  test('starts requests at its rate and times each from when it was meant to start', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const server = createServer(async (_, response) => {
      await held;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const { port } = server.address() as AddressInfo;
    // A slow server, on one connection: the requests behind the first wait as well.
    setTimeout(letGo, 300);
    const result = await runLoad(requests(50), {
      port,
      connections: 1,
      seconds: 0.5,
      warmupS: 0,
      ratePerS: 100,
    });
    expect(result.accepted + result.unsent).toBe(50);
    const times = createHistogram(result.latency);
    expect(times.max).toBeGreaterThan(250);
    expect(times.quantile(0.5)).toBeGreaterThan(20);
  });

  test('sends each request when it is due, not when the next one is', async () => {
    const { port } = await startServer(() => 200);
    const options = { port, connections: 1, seconds: 4, warmupS: 0, ratePerS: 0.5 };
    const result = await runLoad(requests(2), options);
    expect(result.accepted).toBe(2);
    // The next one is due after two seconds.
    expect(createHistogram(result.latency).max).toBeLessThan(1_900);
  });

  test('gives up what finds no connection when it may not wait', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const { port } = server.address() as AddressInfo;
    const options = { port, connections: 2, seconds: 0.2, warmupS: 0, ratePerS: 100, maxWaiting: 0 };
    const result = await runLoad(requests(20), options);
    expect(result.unsent).toBe(18);
    expect(result.statuses).toEqual({ 0: 2 });
  });

  test('sends what was refused again, when told to', async () => {
    const seen = new Set<string>();
    const { port, paths } = await startServer((path) => {
      const isFirst = !seen.has(path);
      seen.add(path);
      return isFirst ? 429 : 200;
    });
    const options = { port, connections: 1, seconds: 0.5, warmupS: 0, ratePerS: 100, recycle: true };
    const result = await runLoad(requests(2), options);
    expect(paths).toHaveLength(4);
    expect(result.statuses).toEqual({ 200: 2, 429: 2 });
  });
});

describe('a crowd of sockets', () => {
  test('asks for binary frames, and reads their positions', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    closing.push(() => server.close());
    const begun: number[] = [];
    const seqs: number[] = [];
    const asked: string[] = [];
    const crowd = new Crowd({ onBegun: (seq) => begun.push(seq), onLast: (seq) => seqs.push(seq) });
    server.on('connection', (socket) => {
      asked.push(socket.protocol);
      const board = { leaderboard: 'global', epoch: 1, seq: 300, entries: [], cause: undefined };
      socket.send(updateFrame(board, { userId: 'ann', newScore: 5 }, false).bytes);
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const place = { port, path: '/', dialect: 'binary', localAddress: '127.0.0.1' } as const;
    await crowd.open({ ...place, sockets: 2, perSecond: 1_000 });
    await waitFor(() => (crowd.seen().frames === 2 ? true : undefined));
    expect(asked).toEqual(['scoreboard.v1.proto', 'scoreboard.v1.proto']);
    expect(seqs).toEqual([300]);
    expect(begun).toEqual([300]);
    crowd.close();
  });

  test('sees every frame on every socket, and when each score arrived', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    closing.push(() => server.close());
    const begun: number[] = [];
    const seqs: number[] = [];
    const crowd = new Crowd({ onBegun: (seq) => begun.push(seq), onLast: (seq) => seqs.push(seq) });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const place = { port, path: '/', dialect: 'plain', localAddress: '127.0.0.1' } as const;
    await crowd.open({ ...place, sockets: 5, perSecond: 1_000 });
    crowd.follow({ firstScore: 100, step: 10, count: 3 });
    const send = (score: number, seq: number) => {
      for (const socket of server.clients) socket.send(`{"leaderboard":[{"score":${score}}],"seq":${seq}}`);
    };
    const startMs = Number(process.hrtime.bigint()) / 1e6;
    send(100, 1);
    // 110 is skipped: 120 shows that it was counted as well.
    send(120, 2);
    await waitFor(() => (crowd.seen().frames === 10 ? true : undefined));
    expect(seqs).toEqual([1, 2]);
    // Of many sockets that see a position, the first one tells.
    expect(begun).toEqual([1, 2]);
    const { latency, missing } = crowd.screens([startMs, startMs, startMs]);
    expect(missing).toBe(0);
    expect(latency.reduce((sum, count) => sum + count, 0)).toBe(15);
    crowd.close();
  });
});
