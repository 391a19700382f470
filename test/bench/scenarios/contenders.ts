/** The product and its conventional peer as things that can be put under load, with fresh actions for every run. */

import type { LoadOptions, LoadResult } from '../generator/load-run.ts';
import type { GeneratorCalls } from '../generator/main.ts';
import type { SubmitForm } from '../generator/requests.ts';
import type { Slice } from '../measure/lines.ts';
import { measureLoad } from '../measure/measure.ts';
import { type Conventional, startConventionalBeside } from '../peers/peer.ts';
import type { startChild } from '../processes/calls.ts';
import type { ProcessGroup } from '../processes/usage.ts';
import { startGenerator, type World } from '../world/world.ts';
import { freshPrefix, type Setting } from './scenario.ts';

export type Generator = ReturnType<typeof startChild<GeneratorCalls>>;
/** What a run is told besides where to go. */
export type Load = Omit<LoadOptions, 'port'>;

export interface Contenders {
  readonly world: World;
  readonly generator: Generator;
  readonly peer: Conventional;
  /** Everything whose cost counts when the product is under load, and when the peer is. */
  readonly groups: readonly ProcessGroup[];
  readonly peerGroups: readonly ProcessGroup[];
  /** Signed submissions under a name; answers what their action ids begin with. */
  prepare(options: { name: string; form?: SubmitForm; count: number; leaderboard?: string }): Promise<string>;
  prepareForPeer(options: { name: string; count: number }): Promise<void>;
  runOurs(name: string, load: Load): Promise<LoadResult>;
  runPeer(name: string, load: Load): Promise<LoadResult>;
  /** Prepares, runs and measures. */
  submitOurs(form: SubmitForm, count: number, load: Load, leaderboard?: string): Promise<Slice>;
  submitPeer(count: number, load: Load): Promise<Slice>;
  stop(): Promise<void>;
}

const NAME = 'run';

/**
 * Both run for a while before anything is measured, at a rate that each can take: small batches, so that what runs once a batch
 * is compiled too, as it is in a process that has been up for a minute.
 */
const WARM_UP = {
  ours: { seconds: 15, ratePerS: 2_000 },
  peer: { seconds: 8, ratePerS: 500 },
  connections: 500,
} as const;
const QUICK_WARM_UP_S = 1;

/** Started and warm. */
export async function startContenders({ world: startWorld, args, step }: Setting): Promise<Contenders> {
  const contenders = await startCold(await startWorld());
  try {
    step('warming up');
    const load = (of: { seconds: number; ratePerS: number }): Load & { ratePerS: number } => ({
      seconds: args.quick ? QUICK_WARM_UP_S : of.seconds,
      warmupS: 0,
      connections: WARM_UP.connections,
      ratePerS: of.ratePerS,
    });
    const [ours, peer] = [load(WARM_UP.ours), load(WARM_UP.peer)];
    await contenders.submitOurs('rest', ours.seconds * ours.ratePerS + 1, ours);
    await contenders.submitPeer(peer.seconds * peer.ratePerS + 1, peer);
    return contenders;
  } catch (error) {
    await contenders.stop();
    throw error;
  }
}

async function startCold(world: World): Promise<Contenders> {
  const generator = await startGenerator(world);
  const peer = await startConventionalBeside(world);
  const groups = world.groups({ name: 'generator', pid: generator.pid });
  const peerGroups = [...groups, { name: 'conventional', pid: peer.pid }];
  const signer = { kind: 'auth', address: world.authAddress, serviceKey: world.serviceKey('cli') } as const;
  const contenders: Contenders = {
    ...{ world, generator, peer, groups, peerGroups },
    async prepare({ name, form = 'rest', count, leaderboard }) {
      const prefix = freshPrefix('s');
      await generator.call('prepare', { name, options: { form, signer, prefix, count, leaderboard } });
      return prefix;
    },
    async prepareForPeer({ name, count }) {
      const secret = { kind: 'conventional', secret: peer.actionSecret } as const;
      const options = { form: 'rest', signer: secret, prefix: freshPrefix('c'), count } as const;
      await generator.call('prepare', { name, options });
    },
    runOurs: (name, load) => generator.call('run', { name, options: { port: world.edgePort, ...load } }),
    runPeer: (name, load) => generator.call('run', { name, options: { port: peer.port, ...load } }),
    async submitOurs(form, count, load, leaderboard) {
      await contenders.prepare({
        name: NAME,
        form,
        count,
        ...(leaderboard !== undefined && { leaderboard }),
      });
      return measureLoad(groups, () => contenders.runOurs(NAME, load));
    },
    async submitPeer(count, load) {
      await contenders.prepareForPeer({ name: NAME, count });
      return measureLoad(peerGroups, () => contenders.runPeer(NAME, load));
    },
    async stop() {
      await peer.stop();
      await generator.stop();
    },
  };
  return contenders;
}
