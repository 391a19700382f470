import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { ScoreboardLink } from '../../../../../edge/web/client/scoreboard-link.ts';
import { openWebSocket } from '../../../../../edge/web/client/socket-port.ts';
import { eventually } from '../../../../support/eventually.ts';
import { boardFrame } from './board-frame.ts';

let server: WebSocketServer;
let url: string;
let links: ScoreboardLink[];

beforeEach(async () => {
  links = [];
  server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'scoreboard.v1' });
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
});

afterEach(() => {
  for (const link of links) link.close();
  for (const socket of server.clients) socket.terminate();
  server.close();
});

function connect(
  onSocket: (socket: ServerSocket, protocols: string | undefined, path: string | undefined) => void,
) {
  server.on('connection', (socket, request) => {
    onSocket(socket, request.headers['sec-websocket-protocol'], request.url);
  });
  const link = new ScoreboardLink(
    { url, token: () => 'a.b.c' },
    {
      open: openWebSocket,
      random: () => 0,
      network: { online: () => true, onWake: () => () => {} },
    },
  );
  links.push(link);
  return link;
}

describe('over a real WebSocket', () => {
  it('a link handshakes with its token, follows, loses the node and resumes', async () => {
    const paths: (string | undefined)[] = [];
    const link = connect((socket, protocols, path) => {
      paths.push(path);
      expect(protocols?.replaceAll(' ', '')).toBe('scoreboard.v1,bearer.a.b.c');
      socket.send(boardFrame({ seq: paths.length }));
      if (paths.length === 1) setImmediate(() => socket.terminate());
    });
    await eventually(() => expect(link.board?.seq).toBe(2));
    expect(link.state.status).toBe('live');
    expect(paths).toEqual(['/live', '/live?epoch=1&seq=1']);
  });

  it('a link to an address that no socket can have stops and says why', async () => {
    url = 'ftp://127.0.0.1/live';
    const link = connect(() => {});
    await eventually(() => expect(link.state.status).toBe('refused'));
    expect(link.state.reason).not.toBe('');
  });

  it('a link whose owner leaves at once is not told of such an address', async () => {
    const told: string[] = [];
    const handlers = {
      opened: () => {},
      received: () => {},
      closed: (code: number) => told.push(String(code)),
    };
    const port = openWebSocket('ftp://127.0.0.1/live', ['scoreboard.v1'], handlers);
    expect(port.send('{}')).toBe(false);
    port.leave();
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
  });

  it('a link that is refused for good stops and says why', async () => {
    const link = connect((socket) => socket.close(4400, 'bad messages'));
    await eventually(() => expect(link.state).toEqual({ status: 'refused', reason: 'bad messages' }));
  });

  it('leaving closes the connection and hears nothing more', async () => {
    const heard: string[] = [];
    const port = openWebSocket(url, ['scoreboard.v1'], {
      opened: () => heard.push('opened'),
      received: () => heard.push('received'),
      closed: () => heard.push('closed'),
    });
    expect(port.send('too early')).toBe(false);
    const [socket] = (await once(server, 'connection')) as [ServerSocket];
    await eventually(() => expect(heard).toEqual(['opened']));
    const closed = once(socket, 'close');
    port.leave();
    await closed;
    expect(heard).toEqual(['opened']);
  });
});
