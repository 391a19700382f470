/** The product in one process for tests: real servers, auth, and any number of score and rank services, edges and fan-out nodes. */
import { parseFanoutConfig } from '../../../edge/fanout/config.ts';
import { startFanout } from '../../../edge/fanout/service.ts';
import { parseEdgeConfig } from '../../../edge/http/config.ts';
import { startEdge } from '../../../edge/http/service.ts';
import { createSilentLog, type Log } from '../../../services/shared/telemetry/log.ts';
import { parseTokenPolicy } from '../../../services/shared/tokens/rules/token-policy.ts';
import { waitFor } from '../wait-for.ts';
import { startScoreWorld } from './score/score-world.ts';

const HOST = '127.0.0.1';

export type WholeWorld = Awaited<ReturnType<typeof startWholeWorld>>;

/**
 * `each` is the number of score services, of rank services, of edges and of fan-out nodes. With `balanced` there are so many
 * services, and one edge and one fan-out node that spread their calls over them.
 */
export async function startWholeWorld({
  each = 1,
  balanced,
  edgeEnv = {},
  env = {},
  log = createSilentLog(),
}: {
  each?: number;
  balanced?: { auth: number; score: number; rank: number };
  edgeEnv?: Record<string, string>;
  /** Of auth, as far as it is about identity providers, the edges and the fan-out nodes. */
  env?: Record<string, string>;
  /** Of the edges and the fan-out nodes. */
  log?: Log;
}) {
  const { outside } = parseTokenPolicy(env);
  const { auth = 1, score = each, rank = each } = balanced ?? {};
  const world = await startScoreWorld({
    ...{ authServices: auth, scoreServices: score, rankServices: rank, outside },
    isBalanced: balanced !== undefined,
  });
  const [toScores, toRanks] = [world.scoreAddresses, world.rankAddresses].map((addresses) =>
    balanced === undefined ? addresses : [addresses.join(',')],
  ) as [string[], string[]];
  const common = (at: number) => ({
    ...env,
    AUTH_ADDRESS: world.authAddress,
    RANK_ADDRESS: toRanks[at] ?? '',
  });
  const edges = await Promise.all(
    toScores.map((address, at) =>
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
    toRanks.map((_, at) =>
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
  const stopping = new Map<{ stop(): Promise<void> }, Promise<void>>();
  /** Once: a unit has one end. */
  function stopUnit(unit: { stop(): Promise<void> } | undefined): Promise<void> {
    if (unit === undefined) throw new Error('there is no such unit');
    const stopped = stopping.get(unit) ?? unit.stop();
    stopping.set(unit, stopped);
    return stopped;
  }
  return {
    ...world,
    edges,
    nodes,
    stopEdge: (at: number) => stopUnit(edges[at]),
    stopNode: (at: number) => stopUnit(nodes[at]),
    /** http://host:port of each edge. The edge at an index calls the score and rank services at the same index. */
    edgeUrls: edges.map(({ port }) => `http://${HOST}:${port}`),
    /** ws://host:port/live of each fan-out node. */
    fanoutUrls: nodes.map(({ port }) => `ws://${HOST}:${port}/live`),
    async stop() {
      await Promise.all([...edges, ...nodes].map(stopUnit));
      await world.stop();
    },
  };
}
