/** The product in one process for tests: real servers, auth, and any number of score and rank services, edges and fan-out nodes. */
import { parseFanoutConfig } from '../../edge/fanout/config.ts';
import { startFanout } from '../../edge/fanout/service.ts';
import { parseEdgeConfig } from '../../edge/http/config.ts';
import { startEdge } from '../../edge/http/service.ts';
import { createSilentLog } from '../../services/shared/telemetry/log.ts';
import { type ScoreWorld, startScoreWorld } from './score-world.ts';
import { waitFor } from './wait-for.ts';

const HOST = '127.0.0.1';

export interface WholeWorld extends ScoreWorld {
  /** http://host:port of each edge; the edge at a place asks the score and rank services at that place. */
  readonly edgeUrls: readonly string[];
  /** ws://host:port/live of each fan-out node. */
  readonly fanoutUrls: readonly string[];
}

/** Edges and fan-out nodes as many as there are score services, and of rank services too. */
export async function startWholeWorld({
  each,
  edgeEnv = {},
}: {
  each: number;
  edgeEnv?: Record<string, string>;
}): Promise<WholeWorld> {
  const world = await startScoreWorld({ scoreServices: each, rankServices: each });
  const log = createSilentLog();
  const common = (at: number) => ({
    AUTH_ADDRESS: world.authAddress,
    RANK_ADDRESS: world.rankAddresses[at] ?? '',
  });
  const edges = await Promise.all(
    world.scoreAddresses.map((address, at) =>
      startEdge(
        parseEdgeConfig({
          ...common(at),
          SCORE_ADDRESS: address,
          EDGE_PORT: '0',
          REDIS_URL: world.redisUrlAs('edge'),
          SERVICE_KEY: world.serviceKeys.edge,
          ...edgeEnv,
        }),
        { log },
      ),
    ),
  );
  const nodes = await Promise.all(
    world.rankAddresses.map((_, at) =>
      startFanout(
        parseFanoutConfig({
          ...common(at),
          FANOUT_PORT: '0',
          NATS_URL: world.natsUrlAs('fanout'),
          SERVICE_KEY: world.serviceKeys.fanout,
        }),
        { log },
      ),
    ),
  );
  const publicPorts = [...edges, ...nodes].map(({ port }) => port);
  await Promise.all(
    publicPorts.map((port) =>
      waitFor(async () => (await fetch(`http://${HOST}:${port}/readyz`)).ok || undefined, {
        describe: 'a node that is ready',
      }),
    ),
  );
  return {
    ...world,
    edgeUrls: edges.map(({ port }) => `http://${HOST}:${port}`),
    fanoutUrls: nodes.map(({ port }) => `ws://${HOST}:${port}/live`),
    async stop() {
      await Promise.all([...edges, ...nodes].map((unit) => unit.stop()));
      await world.stop();
    },
  };
}
