/**
 * Reading boards in a closed loop. The ceiling is constant bytes of the same length from the same server; the peer
 * reads its sorted set for every request.
 */

import { connectRequest, getRequest } from '../generator/requests.ts';
import { type Line, rateLine, type Slice } from '../measure/lines.ts';
import { alternate, measureLoad } from '../measure/measure.ts';
import type { ConstantCalls } from '../peers/constant-main.ts';
import { CONVENTIONAL_NAME } from '../peers/peer.ts';
import { startChild } from '../processes/calls.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { type Scenario, type Setting, secondsOf, wants } from './scenario.ts';

const SECONDS = 3;
const WARMUP_S = 1;
const CONNECTIONS = 256;
/** Every player has a score before boards are read. */
const SCORED_AT_PER_S = 4_000;
const TOP_PATH = '/api/v1/scoreboard/top';
const SERVICE_PATH = '/scoreboard.edge.v1.ScoreboardService';
const METHODS = ['GetTop', 'GetRank', 'ListAround'];

export const read: Scenario = async (setting) => {
  const contenders = await startContenders(setting);
  const constant = startChild<ConstantCalls>(new URL('../peers/constant-main.ts', import.meta.url));
  try {
    setting.step('read: every player scores once');
    await scoreAll(contenders);
    const body = await (await fetch(`${contenders.world.stack.edgeUrl}${TOP_PATH}`)).text();
    const postPaths = METHODS.map((method) => `${SERVICE_PATH}/${method}`);
    const { port } = await constant.call('start', { body, getPaths: [TOP_PATH], postPaths });
    return await run(setting, contenders, { port, pid: constant.pid });
  } finally {
    await constant.stop();
    await contenders.stop();
  }
};

async function scoreAll(contenders: Contenders): Promise<void> {
  const count = contenders.world.players.length;
  const load = { connections: 64, seconds: (2 * count) / SCORED_AT_PER_S, warmupS: 0 };
  await contenders.prepare({ name: 'all', count });
  await contenders.runOurs('all', load);
  await contenders.prepareForPeer({ name: 'few', count: 1_000 });
  await contenders.runPeer('few', load);
}

async function run(
  setting: Setting,
  contenders: Contenders,
  constant: { port: number; pid: number },
): Promise<Line[]> {
  const { args, step } = setting;
  const { generator, world, groups, peerGroups, peer } = contenders;
  const load = {
    ...{ seconds: secondsOf(setting, SECONDS), warmupS: WARMUP_S, repeat: true },
    connections: args.connections?.at(-1) ?? CONNECTIONS,
  };
  const constantGroups = [...groups, { name: 'constant', pid: constant.pid }];
  const target = (port: number, of: typeof groups) => async (name: string) =>
    measureLoad(of, () => generator.call('run', { name, options: { ...load, port } }));
  const ours = target(world.edgePort, groups);
  const ceiling = target(constant.port, constantGroups);
  const conventional = target(peer.port, peerGroups);
  const lines: Line[] = [];
  for (const [name, requests] of Object.entries(requestsOf(contenders))) {
    if (!wants(setting, name)) continue;
    step(`read: ${name}`);
    await generator.call('keep', { name, requests });
    const runs = { ours: () => ours(name), ceiling: () => ceiling(name) };
    const slices: { ours: Slice; ceiling: Slice; peer?: Slice } =
      name === `GET ${TOP_PATH}`
        ? await alternate(args.rounds, { ...runs, peer: () => conventional(name) })
        : await alternate(args.rounds, runs);
    lines.push(
      rateLine({
        ...{ scenario: 'read', line: name, unit: 'reads/s', ours: slices.ours },
        peers: slices.peer === undefined ? [] : [{ name: CONVENTIONAL_NAME, slice: slices.peer }],
        ceiling: { name: 'constant bytes', slice: slices.ceiling },
      }),
    );
  }
  return lines;
}

/** Places are asked for by all players in turn. */
function requestsOf({ world }: Contenders): Record<string, Buffer[]> {
  const each = (method: string) => world.players.map(({ token }) => connectRequest(method, {}, token));
  return {
    [`GET ${TOP_PATH}`]: [getRequest(TOP_PATH)],
    'GetTop (Connect JSON)': [connectRequest('GetTop', {})],
    'GetRank (Connect JSON)': each('GetRank'),
    'ListAround (Connect JSON)': each('ListAround'),
  };
}
