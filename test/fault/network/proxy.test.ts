import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { type FaultProxy, startProxy } from './proxy.ts';

/** Answers everything with itself, and remembers what it heard. */
let echo: Server;
let proxy: FaultProxy;
let heard: string;
let clients: Socket[];
/** The echo's ends. */
let sessions: Socket[];

beforeEach(async () => {
  heard = '';
  clients = [];
  sessions = [];
  echo = createServer((socket) => {
    sessions.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard += chunk;
      socket.write(chunk);
    });
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startProxy({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await proxy.stop();
  echo.close();
});

function open() {
  const socket = connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  const client = { socket, text: '', ended: false };
  socket.on('data', (chunk) => {
    client.text += chunk;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    client.ended = true;
  });
  return client;
}

async function greeted() {
  const client = open();
  client.socket.write('hello');
  await waitFor(() => client.text === 'hello' || undefined);
  return client;
}

describe('the proxy', () => {
  it('passes bytes both ways, and an end as an end', async () => {
    const client = await greeted();
    client.socket.end();
    await waitFor(() => client.ended || undefined);
    expect(proxy.connections).toBe(0);
  });

  it('drops replies while requests arrive, and never lets such a connection go on', async () => {
    const client = await greeted();
    proxy.setMode({ kind: 'drop-replies' });
    client.socket.write(' again');
    await waitFor(() => heard === 'hello again' || undefined);
    proxy.setMode({ kind: 'pass' });
    await waitFor(() => client.ended || undefined);
    expect(client.text).toBe('hello');
  });

  it('holds everything in a blackhole, and delivers it when healed', async () => {
    const client = await greeted();
    proxy.setMode({ kind: 'blackhole' });
    client.socket.write(' again');
    await waitFor(() => client.socket.bytesWritten === 11 || undefined);
    const other = await new Promise((resolve) => setImmediate(() => resolve(heard)));
    expect(other).toBe('hello');
    proxy.setMode({ kind: 'pass' });
    await waitFor(() => client.text === 'hello again' || undefined);
  });

  it('holds one way only', async () => {
    const client = await greeted();
    proxy.setMode({ kind: 'one-way' });
    client.socket.write(' again');
    for (const served of sessions) served.write('!');
    await waitFor(() => client.text === 'hello!' || undefined);
    expect(heard).toBe('hello');
    proxy.setMode({ kind: 'pass' });
    await waitFor(() => client.text === 'hello! again' || undefined);
  });

  it('resets what is open and what is new', async () => {
    const client = await greeted();
    proxy.setMode({ kind: 'reset' });
    await waitFor(() => client.ended || undefined);
    const late = open();
    await waitFor(() => late.ended || undefined);
    proxy.setMode({ kind: 'pass' });
    await greeted();
  });

  it('leaves clients of a half-open connection in the dark', async () => {
    const client = await greeted();
    proxy.setMode({ kind: 'half-open' });
    client.socket.write(' again');
    proxy.setMode({ kind: 'pass' });
    await greeted();
    expect(client).toMatchObject({ text: 'hello', ended: false });
    expect(heard).toBe('hellohello');
  });

  it('delays and slows without losing anything', async () => {
    const client = await greeted();
    proxy.setMode({ kind: 'delay', ms: 100 });
    client.socket.write(' a');
    await waitFor(() => heard === 'hello a' || undefined);
    proxy.setMode({ kind: 'pass' });
    client.socket.write(' c');
    await waitFor(() => client.text === 'hello a c' || undefined);
    proxy.setMode({ kind: 'slow', bytesPerSecond: 100 });
    client.socket.write(' b');
    await waitFor(() => client.text === 'hello a c b' || undefined);
  });

  it('cuts each connection after so many bytes of the server', async () => {
    proxy.setMode({ kind: 'cut-after', bytes: 3 });
    const client = open();
    client.socket.write('hello');
    await waitFor(() => client.ended || undefined);
    expect(client.text).toBe('hel');
    expect(heard).toBe('hello');
  });
});
