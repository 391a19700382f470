/**
 * Signed submissions in a closed loop, by each road into the product: REST, Connect JSON, Connect binary, and a trusted
 * caller's gRPC batches. The peer takes the same requests; the ceiling is the accept statement straight on Postgres.
 */
import { BoardsService } from '../../../gen/scoreboard/score/v1/boards_pb.ts';
import { createGrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { BatchTarget } from '../generator/batch-load.ts';
import { type Line, rateLine, type Slice } from '../measure/lines.ts';
import { alternate, measureBatches } from '../measure/measure.ts';
import { createCeilingDatabase } from '../peers/databases.ts';
import { CONVENTIONAL_NAME } from '../peers/peer.ts';
import type { World } from '../world/world.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { freshPrefix, type Scenario, type Setting, secondsOf, wants } from './scenario.ts';

const SECONDS = 3;
const WARMUP_S = 1;
const CONNECTIONS = [64, 256, 512];
const QUICK_CONNECTIONS = [256];
const CONNECT = [
  ['connect-json', 'Connect JSON'],
  ['connect-binary', 'Connect binary'],
] as const;
const BATCH = 100;
/** The product keeps four accept statements under way; so does the ceiling. Calls are twice that, to keep them fed. */
const STATEMENTS_IN_FLIGHT = 4;
const CALLS_IN_FLIGHT = 8;
/** Requests prepared per second of a run: more than any run uses. A run that uses all ends early, which harms nothing. */
const PREPARED_PER_S = { rest: 32_000, 'connect-json': 20_000, 'connect-binary': 20_000, peer: 6_000 };

const BEST_BOARD = 'bench-best';

export const CEILING_NAME = 'accept statement on Postgres';

export const submit: Scenario = async (setting) => {
  const contenders = await startContenders(setting);
  try {
    return await run(setting, contenders, await createCeilingDatabase(contenders.world.databaseUrl));
  } finally {
    await contenders.stop();
  }
};

async function run(setting: Setting, contenders: Contenders, ceilingUrl: string): Promise<Line[]> {
  const { args, step } = setting;
  const { rounds, connections = args.quick ? QUICK_CONNECTIONS : CONNECTIONS } = args;
  const seconds = secondsOf(setting, SECONDS);
  const load = { seconds, warmupS: WARMUP_S };
  const prepared = (road: keyof typeof PREPARED_PER_S) => PREPARED_PER_S[road] * (seconds + WARMUP_S);
  const batches = batchRuns(contenders, ceilingUrl, seconds);
  const lines: Line[] = [];
  let ceiling: Slice | undefined;
  for (const count of connections) {
    const name = `REST, ${count} connections`;
    if (!wants(setting, name)) continue;
    step(`submit: ${name}`);
    const slices = await alternate(rounds, {
      ours: () => contenders.submitOurs('rest', prepared('rest'), { ...load, connections: count }),
      peer: () => contenders.submitPeer(prepared('peer'), { ...load, connections: count }),
      ceiling: batches.ceiling,
    });
    ceiling = slices.ceiling;
    lines.push(line(name, slices.ours, slices.peer, slices.ceiling));
  }
  const options = { ...load, connections: connections.at(-1) ?? 1 };
  for (const [form, title] of CONNECT) {
    const name = `${title}, ${options.connections} connections`;
    if (!wants(setting, name)) continue;
    step(`submit: ${name}`);
    const { ours } = await alternate(rounds, {
      ours: () => contenders.submitOurs(form, prepared(form), options),
    });
    lines.push(line(name, ours, undefined, ceiling));
  }
  const best = `REST, ${options.connections} connections, board of best scores`;
  if (wants(setting, best)) {
    step(`submit: ${best}`);
    await createBestBoard(contenders.world);
    const slices = await alternate(rounds, {
      ours: () => contenders.submitOurs('rest', prepared('rest'), options, BEST_BOARD),
      sum: () => contenders.submitOurs('rest', prepared('rest'), options),
    });
    lines.push(
      rateLine({
        ...{ scenario: 'submit', line: best, unit: 'scores/s', ours: slices.ours },
        peers: [{ name: 'a board that adds up', slice: slices.sum }],
      }),
    );
  }
  const name = `trusted gRPC, batches of ${BATCH}`;
  if (!wants(setting, name)) return lines;
  step(`submit: ${name}`);
  const grpc = await alternate(rounds, { ours: batches.grpc, ceiling: batches.ceiling });
  return [...lines, line(name, grpc.ours, undefined, grpc.ceiling)];
}

/** It is there already when the scenario runs again on the same world. */
async function createBestBoard({ scoreAddress: address, serviceKey }: World): Promise<void> {
  const options = { address, serviceKey: serviceKey('cli'), unavailable: 'SCORE_UNAVAILABLE' } as const;
  const boards = createGrpcClient(BoardsService, options);
  try {
    const call = { limitMs: 5_000 };
    const { boards: found } = await boards.listBoards({ name: BEST_BOARD }, call);
    if (found.length === 0) await boards.createBoard({ name: BEST_BOARD, operator: 'best' }, call);
  } finally {
    boards.close();
  }
}

function line(name: string, ours: Slice, peer: Slice | undefined, ceiling: Slice | undefined): Line {
  return rateLine({
    ...{ scenario: 'submit', line: name, unit: 'scores/s', ours },
    peers: peer === undefined ? [] : [{ name: CONVENTIONAL_NAME, slice: peer }],
    ceiling: ceiling && { name: CEILING_NAME, slice: ceiling },
  });
}

function batchRuns({ world, generator, groups }: Contenders, ceilingUrl: string, seconds: number) {
  const run = (target: BatchTarget, inFlight: number) => {
    const options = { batch: BATCH, inFlight, seconds, warmupS: WARMUP_S, prefix: freshPrefix('b'), target };
    return measureBatches(groups, () => generator.call('batches', options));
  };
  const serviceKey = world.serviceKey('cli');
  return {
    grpc: () => run({ kind: 'grpc', address: world.scoreAddress, serviceKey }, CALLS_IN_FLIGHT),
    ceiling: () => run({ kind: 'postgres', databaseUrl: ceilingUrl }, STATEMENTS_IN_FLIGHT),
  };
}
