/** Wires the rank service: servers, boards, rpc. Opens in order and closes in reverse. */
import { openServicePorts, type RunningPorts } from '../shared/process/service-ports.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import { createBoards } from './boards.ts';
import type { RankConfig } from './config.ts';
import { createIndexRpc } from './index-rpc.ts';
import { createRankRpc } from './rpc.ts';
import { openServers } from './servers.ts';

export type RankServer = RunningPorts;

export async function startRank(
  config: RankConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<RankServer> {
  const servers = await openServers(config, { log, clock });
  const metrics = createMetrics('rank');
  const boards = createBoards({ servers, log, metrics });
  const { known, keeper, reader, pages, standings, reconciler, projectStates, compareAll } = boards;

  await keeper.start();
  reconciler.start();
  return openServicePorts({
    config,
    services: [
      createRankRpc({
        boards: reader,
        pages,
        standings,
        projectStates,
        deployment: servers.place.deployment,
      }),
      createIndexRpc({ compareAll, reconciler }),
    ],
    readiness: (serving) => ({ serving, epoch: known.state !== undefined }),
    // Boards are served without any one of them.
    dependencies: () => ({ ...keeper.troubles(), nats: servers.bus.trouble() }),
    async drain() {
      await reconciler.stop();
      await keeper.stop();
      await servers.close();
    },
    ...{ log, metrics },
  });
}
