/**
 * Accepting statements of the simulated Postgres: one begins with a snapshot of the index row, takes a moment, and commits
 * whole with its outbox row, or not at all.
 */
import type { AcceptedBatch } from '../../../../services/score/accept/accept-store.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';
import type { Random } from '../../../support/random.ts';
import type { Mutations } from '../environment/mutations.ts';
import type { Failures, Network, Server } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';
import type { Waiting } from './outbox-store.ts';

/** The one row that says which rank index counts. */
export interface IndexRow {
  epoch: bigint;
  source: 'redis' | 'postgres';
  building: bigint | undefined;
  buildingUntilMs: number;
  redisRunId: string;
  redisSeenMs: number;
}

export interface DatabaseOptions {
  time: VirtualTime;
  network: Network;
  random: Random;
  mutations: Mutations;
}

const POSITION_STEP = 1_000n;
const FAST_PATH_LEASE_MS = 3_000;
const LONGEST_COMMIT_MS = 20;
/** While the network is troubled this share takes longer: a disk that stalls, or a row that another writer has locked. */
const SLOW_SHARE = 0.2;
const SLOWEST_COMMIT_MS = 600;

export const FAILURES: Failures = {
  refused: () => new AppError('STORE_UNAVAILABLE'),
  lost: () => new AppError('OUTCOME_UNKNOWN'),
  timeout: () => new AppError('DEADLINE_EXCEEDED'),
};

export class Statements {
  readonly server: Server = { state: 'up', life: 1 };
  readonly outbox = new Map<bigint, Waiting>();
  readonly index: IndexRow = {
    ...{ epoch: 1n, source: 'postgres', building: undefined, buildingUntilMs: 0 },
    ...{ redisRunId: '', redisSeenMs: 0 },
  };
  private readonly options: DatabaseOptions;
  private readonly running = new Set<number>();
  private positions = 0n;
  private outboxIds = 0n;
  private statements = 0;

  constructor(options: DatabaseOptions) {
    this.options = options;
  }

  /** Undefined when nothing was written. */
  async execute<State extends PlayerState>(
    write: (position: bigint) => State[] | undefined,
    dueInMs = FAST_PATH_LEASE_MS,
  ): Promise<(AcceptedBatch & { players: State[] }) | undefined> {
    const { time, network, random, mutations } = this.options;
    const { epoch, source, building } = this.index;
    const { life } = this.server;
    const statement = this.statements++;
    this.positions += POSITION_STEP;
    const position = this.positions;
    this.running.add(statement);
    const isSlow = network.troubled && random.chance(SLOW_SHARE);
    await time.sleep(random.next() * (isSlow ? SLOWEST_COMMIT_MS : LONGEST_COMMIT_MS));
    this.running.delete(statement);
    if (this.server.life !== life) throw FAILURES.lost();
    const states = write(position);
    if (states === undefined) return undefined;
    const outboxId = this.enqueue(states, dueInMs);
    if (mutations.refusesCommitted && random.chance(0.1)) throw FAILURES.refused();
    return { players: states, outboxId, index: { epoch, source, building } };
  }

  /** Transactions under way that hold the outbox's lock, which each takes before its snapshot and keeps until it ends. */
  writers(): string[] {
    return this.options.mutations.hidesWriters ? [] : [...this.running].map(String);
  }

  /** A transaction that is not ours holds that lock for so long. */
  holdOutbox(lastsMs: number): void {
    const statement = this.statements++;
    this.running.add(statement);
    this.options.time.after(lastsMs, () => this.running.delete(statement));
  }

  crash(): void {
    this.server.life += 1;
    this.running.clear();
  }

  private enqueue(states: readonly PlayerState[], dueInMs: number): bigint | undefined {
    if (states.length === 0) return undefined;
    this.outboxIds += 1n;
    const id = this.outboxIds;
    if (this.options.mutations.forgetsOutbox) return id;
    const createdMs = this.options.time.nowMs();
    const players = states.map(({ leaderboard, userId }) => ({ leaderboard, userId }));
    const nextMs = createdMs + dueInMs;
    this.outbox.set(id, { id, players, state: 'pending', attempts: 0, nextMs, createdMs });
    return id;
  }
}
