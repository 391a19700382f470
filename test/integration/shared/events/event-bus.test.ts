/** The score service's way to the bus, over a link that fails in the ways that tell nobody: it is back soon after. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNatsServer } from '../../../../dev/servers/nats-server.ts';
import { type Bus, openBus } from '../../../../services/shared/events/bus.ts';
import { systemClock } from '../../../../services/shared/settings/clock.ts';
import { Secret } from '../../../../services/shared/settings/secret.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { Projected } from '../../../../services/shared/values/board.ts';
import { type FaultProxy, startProxy } from '../../../fault/network/proxy.ts';
import { waitFor } from '../../../support/wait-for.ts';

type Nats = Awaited<ReturnType<typeof startNatsServer>>;

const HALF_OPEN = { kind: 'half-open' } as const;
const PASS = { kind: 'pass' } as const;
/** Once a fault is over, all that waits is delivered within this. */
const BACK_WITHIN = { describe: 'the bus' };
const EVENT: Projected = {
  ...{ leaderboard: 'global', players: [], ranks: [], board: undefined, position: undefined, complete: true },
};
let dir: string;
const DEPLOYMENT = randomUUID();
let nats: Nats;
let proxy: FaultProxy;
let bus: Bus | undefined;
let events = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-bus-'));
  nats = await startNatsServer({ dataDir: join(dir, 'nats') });
  proxy = await startProxy({ host: '127.0.0.1', port: nats.port });
});

afterEach(async () => {
  await bus?.close();
  bus = undefined;
  await proxy?.stop();
  await nats?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function open(): Promise<Bus> {
  const url = new URL(nats.urlAs('score'));
  url.port = String(proxy.port);
  bus = await openBus({
    ...{ natsUrl: new Secret(url.href), name: 'test', keepsStream: true },
    ...{ namespace: 'scoreboard', deployment: DEPLOYMENT },
    ...{ clock: systemClock, log: createSilentLog() },
  });
  return bus;
}

const publishes = async (to: Bus) => {
  events += 1;
  return to.publish(`o${events}`, EVENT).then(
    () => true as const,
    () => undefined,
  );
};

test('a server that took the connection and never spoke does not hold up the next attempt', async () => {
  proxy.setMode(HALF_OPEN);
  const opened = await open();
  expect(opened.ready()).toBe(false);
  await waitFor(() => proxy.connections > 0 || undefined);
  proxy.setMode(PASS);
  await waitFor(() => opened.ready() || undefined, BACK_WITHIN);
  expect(await publishes(opened)).toBe(true);
});

test('a connection whose other end is gone is found out and replaced', async () => {
  const opened = await open();
  expect(await publishes(opened)).toBe(true);
  // The server's end goes, ours does not hear of it, and the way is free again at once.
  proxy.setMode(HALF_OPEN);
  proxy.setMode(PASS);
  await waitFor(() => publishes(opened), BACK_WITHIN);
});

test('a server that refused us for a while is asked again and again', async () => {
  const opened = await open();
  const { port } = nats;
  await nats.stop();
  nats = await startNatsServer({ dataDir: join(dir, 'nats'), secretsDir: join(dir, 'others'), port });
  const refused = proxy.accepted;
  await waitFor(() => proxy.accepted > refused + 3 || undefined);
  await nats.stop();
  nats = await startNatsServer({ dataDir: join(dir, 'nats'), port });
  await waitFor(() => opened.ready() || undefined, BACK_WITHIN);
  expect(await publishes(opened)).toBe(true);
});
