/** Wires the rank service: servers, boards, rpc. Opens in order and closes in reverse. */

import { startGrpcServer } from '../shared/grpc/grpc.ts';
import { startAdminServer } from '../shared/http/admin-server.ts';
import type { RunningService } from '../shared/process/run-process.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import { createBoards } from './boards.ts';
import type { RankConfig } from './config.ts';
import { createIndexRpc } from './index-rpc.ts';
import { createRankRpc } from './rpc.ts';
import { openServers } from './servers.ts';

export interface RankServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

export async function startRank(
  config: RankConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<RankServer> {
  const servers = await openServers(config, { log, clock });
  const metrics = createMetrics('rank');
  const { keeper, reader, reconciler, projectStates, compareAll } = createBoards({ servers, log, metrics });

  await keeper.start();
  reconciler.start();
  const grpc = await startGrpcServer({
    host: config.host,
    port: config.port,
    services: [createRankRpc(reader, projectStates), createIndexRpc({ compareAll, reconciler })],
    ...config.callers,
    reflection: config.reflection,
    log,
    metrics,
  });
  let serving = true;
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics,
    readiness: () => ({ serving, epoch: keeper.state.epoch > 0n }),
    // Without any one of them boards are still served.
    dependencies: () => ({ ...keeper.troubles(), nats: servers.bus.trouble() }),
    log,
  });

  return {
    port: grpc.port,
    adminPort: admin.port,
    async stop() {
      serving = false;
      await grpc.stop();
      await reconciler.stop();
      await keeper.stop();
      await servers.close();
      await admin.close();
    },
  };
}
