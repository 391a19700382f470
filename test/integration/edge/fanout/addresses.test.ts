/** The address of a socket is the one that a trusted proxy names, on any line of the header. An invalid Host is refused. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { speak } from '../../../support/clients/edge-client.ts';
import { handshake, openRaw, type RawSocket } from '../../../support/clients/raw-socket.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

let world: FanoutWorld;
const sockets: RawSocket[] = [];
beforeAll(async () => {
  world = await startFanoutWorld({
    env: { TRUSTED_PROXIES: '127.0.0.0/8', ADDRESS_LIMIT_EXEMPT: '-', MAX_SOCKETS_PER_ADDRESS: '2' },
  });
  await world.feedHealthy();
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await world.stop();
});

async function statusOf(opening: string): Promise<number> {
  const socket = await openRaw(world.node.port, opening);
  sockets.push(socket);
  return Number(socket.head.split(' ')[1]);
}
const by = (...lines: string[]) => {
  const more = lines.map((line) => `X-Forwarded-For: ${line}\r\n`).join('');
  return statusOf(handshake().replace(/\r\n\r\n$/, `\r\n${more}\r\n`));
};

test('a client that adds its own X-Forwarded-For line gets no more sockets than its share', async () => {
  expect([await by('198.51.100.1', '203.0.113.8'), await by('198.51.100.2', '203.0.113.8')]).toEqual([
    101, 101,
  ]);
  expect(await by('198.51.100.3', '203.0.113.8:51234')).toBe(429);
  // The sockets do not count for the address that the client wrote.
  expect(await by('203.0.113.8', '203.0.113.9')).toBe(101);
});

test.each(['1.2.3.999', '[::::]', '', 'a b'])('an invalid Host is refused: %j', async (host) => {
  const opening = handshake().replace(/Host: [^\r]*\r\n/, `Host: ${host}\r\n`);
  const { heard, closed } = await speak(world.node.port, [opening]);
  expect(heard).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(heard).toContain('"reason":"REQUEST_INVALID"');
  expect(closed).toBe(true);
});

test('every answer ends its connection, so a client that does not read is cut off', async () => {
  const { heard, closed } = await speak(world.node.port, ['GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n']);
  expect(heard).toContain('{"status":"ok"}');
  expect(closed).toBe(true);
});
