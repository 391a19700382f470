/** A real fan-out node with a real NATS, and rank and auth services that answer what the test says. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFanoutConfig } from '../../../../edge/fanout/config.ts';
import { startFanout } from '../../../../edge/fanout/service.ts';
import { createServiceKey, digestServiceKeys } from '../../../../services/shared/identity/service-keys.ts';
import { createSilentLog, type Log } from '../../../../services/shared/telemetry/log.ts';
import { metricOf } from '../../clients/admin-pages.ts';
import { createAuthDouble } from '../../doubles/auth-double.ts';
import { startRankDouble } from '../../doubles/rank-double.ts';
import { DOUBLE_HOST as HOST, serveDouble } from '../../doubles/serve.ts';
import { waitFor } from '../../wait-for.ts';
import { startFanoutBus } from './fanout-bus.ts';

export type { TestBoard, TestEntry } from '../../doubles/rank-double.ts';
export type { TestPlayer } from './fanout-bus.ts';

export type FanoutWorld = Awaited<ReturnType<typeof startFanoutWorld>>;

export async function startFanoutWorld({
  env = {},
  log = createSilentLog(),
}: {
  env?: Record<string, string>;
  log?: Log;
} = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-fanout-'));
  const serviceKey = createServiceKey('fanout');
  const digests = digestServiceKeys([serviceKey]);
  const { url: natsUrl, deployment, stopBus, ...bus } = await startFanoutBus(dir, log);
  const rank = await startRankDouble(digests, deployment);
  const auth = await createAuthDouble('fanout');
  const authServer = await serveDouble(auth.registration, digests);
  const settings = {
    FANOUT_PORT: '0',
    NATS_URL: natsUrl,
    RANK_ADDRESS: `${HOST}:${rank.port}`,
    AUTH_ADDRESS: `${HOST}:${authServer.port}`,
    SERVICE_KEY: serviceKey,
    ALLOWED_ORIGINS: 'http://localhost:8080,https://play.example',
    ...env,
  };
  const config = parseFanoutConfig(settings);
  const node = await startFanout(config, { log });
  const metric = (name: string, label = '') => metricOf(node, name, label);
  return {
    node,
    config,
    url: `ws://${HOST}:${node.port}/live`,
    rank,
    auth: { token: auth.token, stop: () => authServer.stop() },
    ...bus,
    metric,
    /** Resolves once the node reads events. */
    feedHealthy: () => waitFor(async () => (await metric('fanout_feed_healthy')) === 1 || undefined),
    /** Another node on the same servers. */
    async startNode(more: Record<string, string> = {}) {
      const another = await startFanout(parseFanoutConfig({ ...settings, ...more }), { log });
      return { url: `ws://${HOST}:${another.port}/live`, adminPort: another.adminPort, stop: another.stop };
    },
    async stop() {
      await node.stop();
      await Promise.all([stopBus(), rank.stop(), authServer.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
