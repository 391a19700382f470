/** A process that makes load. It keeps prepared requests by name and runs them when told. */
import { answerCalls } from '../processes/calls.ts';
import { type BatchLoadOptions, type BatchLoadResult, runBatchLoad } from './batch-load.ts';
import { fillerId } from './fillers.ts';
import { runLoad } from './load.ts';
import type { LoadOptions, LoadResult } from './load-run.ts';
import { type PrepareOptions, prepareSubmissions, STRIDE } from './prepare.ts';
import type { Player } from './requests.ts';

export type GeneratorCalls = {
  /** Players that the other calls draw on. */
  players: (input: { players: Player[] }) => void;
  /** Prepares signed submissions of the players, by default of all of them. */
  prepare: (input: {
    name: string;
    options: Omit<PrepareOptions, 'players'> & { players?: Player[] };
  }) => void;
  /** Keeps requests that are ready as they are. */
  keep: (input: { name: string; requests: Uint8Array[] }) => void;
  run: (input: { name: string; options: LoadOptions }) => LoadResult;
  /** For all players with tokens, and so many fillers. */
  batches: (input: Omit<BatchLoadOptions, 'userIds'> & { fillers?: number }) => BatchLoadResult;
};

let players: Player[] = [];
const sets = new Map<string, Buffer[]>();

answerCalls<GeneratorCalls>({
  async players(input) {
    players = input.players;
  },
  async prepare({ name, options }) {
    sets.set(name, await prepareSubmissions({ players, ...options }));
  },
  async keep({ name, requests }) {
    sets.set(
      name,
      requests.map((bytes) => Buffer.from(bytes)),
    );
  },
  async run({ name, options }) {
    const requests = sets.get(name);
    if (requests === undefined) throw new Error(`no requests were prepared as ${name}`);
    const result = await runLoad(requests, options);
    if (!options.repeat) sets.delete(name);
    return result;
  },
  async batches({ fillers = 0, ...options }) {
    const all = [
      ...players.map(({ userId }) => userId),
      ...Array.from({ length: fillers }, (_, index) => fillerId(index)),
    ];
    // In no visible order: neighbours on a board are not neighbours in time.
    const userIds = all.map((_, index) => all[(index * STRIDE) % all.length] ?? '');
    return runBatchLoad({ ...options, userIds });
  },
});
