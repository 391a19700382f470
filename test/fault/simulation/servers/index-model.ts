/**
 * The rank index as its scripts keep it, in memory: versioned writes, one total order, a position that counts changes of
 * the top, and a pointer to the epoch that counts. It can be killed, emptied, or restarted with older data.
 */
import type { RankIndex } from '../../../../services/rank/index/rank-index.ts';
import type { Mutations } from '../environment/mutations.ts';
import type { Failures, Network, Process, Server } from '../environment/network.ts';
import { IndexContents } from './index-contents.ts';
import { unpack } from './packed.ts';
import { pageOf, standingsOf, toEntries } from './standings.ts';

const COMMAND_LIMIT_MS = 400;
const FAILURES: Failures = {
  refused: () => new Error("Stream isn't writeable and enableOfflineQueue options is false"),
  lost: () => new Error('Connection is closed.'),
  timeout: () => new Error('Command timed out'),
};

export class IndexServer {
  readonly server: Server = { state: 'up', life: 1 };
  private readonly network: Network;
  private readonly mutations: Mutations;
  private contents: IndexContents;

  constructor(network: Network, mutations: Mutations) {
    this.network = network;
    this.mutations = mutations;
    this.contents = new IndexContents(mutations);
  }

  /** Of one board of the epoch that counts, best first. */
  ordered(leaderboard: string) {
    return this.contents.ordered(this.contents.pointer ?? 0n, leaderboard);
  }

  /** A copy for a later restart with older data. */
  save(): IndexContents {
    return new IndexContents(this.mutations, this.contents);
  }

  /** Another life: empty, or with what was saved. */
  restart(saved?: IndexContents): void {
    this.server.life += 1;
    this.contents = new IndexContents(this.mutations, saved);
  }

  /** The index as one process of the rank service uses it. */
  rankIndex(from: Process): RankIndex {
    const held = () => this.contents;
    const ask = <Result>(serve: () => Result) => this.call(from, serve);
    let trusted: number | undefined;
    const askTrusted = async <Result>(serve: () => Result | undefined) =>
      trusted === this.server.life || this.mutations.ignoresEpoch ? ask(serve) : undefined;
    return {
      project: (epoch, leaderboard, players) => askTrusted(() => held().project(epoch, leaderboard, players)),
      projectShadow: (epoch, leaderboard, players) =>
        ask(() => {
          if (held().isPast(epoch)) return false;
          if (held().counts(epoch)) held().project(epoch, leaderboard, players);
          else held().write(epoch, leaderboard, players);
          return true;
        }),
      load: (epoch, leaderboard, packed) =>
        ask(() => held().write(epoch, leaderboard, unpack(leaderboard, packed))),
      top: (epoch, leaderboard, limit) => askTrusted(() => topOf(held(), epoch, leaderboard, limit)),
      around: (epoch, leaderboard, userId, radius) =>
        askTrusted(() => placeOf(held(), { epoch, leaderboard, userId, radius })),
      page: (epoch, leaderboard, start, limit) =>
        askTrusted(() =>
          held().counts(epoch) ? pageOf(held().ordered(epoch, leaderboard), start, limit) : undefined,
        ),
      standings: (epoch, leaderboard, userIds) =>
        askTrusted(() =>
          held().counts(epoch) ? standingsOf(held().ordered(epoch, leaderboard), userIds) : undefined,
        ),
      pointTo: (epoch) =>
        ask(() => {
          held().pointer = epoch;
        }),
      identity: () =>
        ask(() => ({
          ...{ epoch: held().pointer, runId: `run${this.server.life}`, connection: this.server.life },
        })),
      trust: (connection) => {
        trusted = connection;
      },
      noteSeen: (epoch, seenAt) => ask(() => void held().seenAt.set(epoch, seenAt)),
      seenAt: (epoch) => ask(() => held().seenAt.get(epoch) ?? 0n),
      clear: (epoch) =>
        ask(() => {
          held().pointer = undefined;
          held().dropOlder(epoch);
        }),
      dropOlder: (epoch) => ask(() => held().dropOlder(epoch)),
    };
  }

  private call<Result>(from: Process, serve: () => Result): Promise<Result> {
    const { life } = this.server;
    const onConnection = () => {
      // A command sent to another life of the server is lost with its connection.
      if (this.server.life !== life) throw FAILURES.lost();
      return serve();
    };
    return this.network.call({
      ...{ from, to: this.server, limitMs: COMMAND_LIMIT_MS, failures: FAILURES },
      serve: onConnection,
    });
  }
}

function topOf(contents: IndexContents, epoch: bigint, leaderboard: string, limit: number) {
  if (!contents.counts(epoch)) return undefined;
  const entries = toEntries(contents.ordered(epoch, leaderboard).slice(0, limit));
  return { position: { epoch, seq: contents.seqOf(epoch, leaderboard) }, entries };
}

function placeOf(
  contents: IndexContents,
  {
    epoch,
    leaderboard,
    userId,
    radius,
  }: { epoch: bigint; leaderboard: string; userId: string; radius: number },
) {
  if (!contents.counts(epoch)) return undefined;
  const order = contents.ordered(epoch, leaderboard);
  const at = order.findIndex((state) => state.userId === userId);
  const first = Math.max(0, at - radius);
  const entries = at < 0 ? [] : toEntries(order.slice(first, at + radius + 1), first + 1);
  const [own, entry] = [order[at], entries[at - first]];
  const self = own && entry && { entry, version: own.version };
  return { players: order.length, entries, self };
}
