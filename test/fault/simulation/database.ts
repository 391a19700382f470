/**
 * Postgres as the score service knows it: its stores' promises kept in memory. A statement begins, takes a moment, and
 * commits whole or not at all; a crash in between rolls it back, and a lost reply leaves its caller in the dark.
 */

import type { LimitedBatch, LimitedStore } from '../../../services/score/limits/limited-store.ts';
import type { DeliveryOptions } from '../../../services/score/outbox/delivery.ts';
import type { OutboxRow } from '../../../services/score/outbox/outbox-store.ts';
import type { AcceptedBatch, AcceptStore } from '../../../services/score/submit/accept-store.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { PlayerState } from '../../../services/shared/values/board.ts';
import { actionKey, playerKey } from '../checker/evidence.ts';
import type { Random } from '../random.ts';
import { createLedger, type Ledger } from './ledger.ts';
import type { Mutations } from './mutations.ts';
import type { Failures, Network, Process, Server } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Waiting extends OutboxRow {
  state: 'pending' | 'dead';
  attempts: number;
  nextMs: number;
  readonly createdMs: number;
}

/** The one row that says which rank index counts. */
export interface IndexRow {
  epoch: bigint;
  source: 'redis' | 'postgres';
  building: bigint | undefined;
  buildingUntilMs: number;
  redisRunId: string;
  redisSeenMs: number;
}

export interface Database {
  readonly server: Server;
  readonly scores: Ledger['scores'];
  readonly actions: Ledger['actions'];
  readonly outbox: Map<bigint, Waiting>;
  readonly index: IndexRow;
  /** Transactions under way that hold the outbox's lock, which each takes before its snapshot and keeps until it has ended. */
  writers(): string[];
  /** Somebody else's transaction holds that lock, for so long. */
  holdOutbox(lastsMs: number): void;
  acceptStore(from: Process): AcceptStore;
  limitedStore(from: Process): LimitedStore;
  outboxStore(from: Process): DeliveryOptions['outbox'];
  /** Runs a reading or a small change in one moment. */
  run<Result>(from: Process, limitMs: number, serve: () => Result | Promise<Result>): Promise<Result>;
  /** What passes between the snapshot of a large reading and its answer. */
  readAll(): Promise<void>;
  crash(): void;
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
/** In times of trouble this share takes longer: a disk that stalls, or a row that another writer has locked. */
const SLOW_SHARE = 0.2;
const SLOWEST_COMMIT_MS = 600;
const SLOWEST_READING_MS = 500;
const OUTBOX_LIMIT_MS = 2_000;

const FAILURES: Failures = {
  refused: () => new AppError('STORE_UNAVAILABLE'),
  lost: () => new AppError('OUTCOME_UNKNOWN'),
  timeout: () => new AppError('DEADLINE_EXCEEDED'),
};

export function createDatabase({ time, network, random, mutations }: DatabaseOptions): Database {
  const server: Server = { state: 'up', life: 1 };
  const { scores, actions, known, acceptTotals, judgeAll } = createLedger(mutations);
  const outbox = new Map<bigint, Waiting>();
  const index: IndexRow = {
    ...{ epoch: 1n, source: 'postgres', building: undefined, buildingUntilMs: 0 },
    ...{ redisRunId: '', redisSeenMs: 0 },
  };
  const running = new Set<number>();
  let positions = 0n;
  let outboxIds = 0n;
  let statements = 0;

  const run: Database['run'] = (from, limitMs, serve) =>
    network.call({ from, to: server, limitMs, failures: FAILURES, serve });

  const begin = <Result>(from: Process, limitMs: number, serve: () => Promise<Result>) =>
    network.call({ from, to: server, limitMs, failures: FAILURES, serve });

  function enqueue(states: readonly PlayerState[]): bigint | undefined {
    if (states.length === 0) return undefined;
    outboxIds += 1n;
    const id = outboxIds;
    const players = states.map(({ leaderboard, userId }) => ({ leaderboard, userId }));
    const nextMs = time.nowMs() + FAST_PATH_LEASE_MS;
    if (!mutations.forgetsOutbox) {
      outbox.set(id, {
        id,
        players,
        state: 'pending',
        attempts: 0,
        nextMs,
        createdMs: time.nowMs(),
      });
    }
    return id;
  }

  /** Begins with a snapshot of the index row, ends a moment later with the commit. undefined when nothing was written. */
  async function execute(
    write: (position: bigint) => PlayerState[] | undefined,
  ): Promise<AcceptedBatch | undefined> {
    const { epoch, source, building } = index;
    const { life } = server;
    const statement = statements++;
    positions += POSITION_STEP;
    const position = positions;
    running.add(statement);
    const isSlow = network.troubled && random.chance(SLOW_SHARE);
    const takesMs = random.next() * (isSlow ? SLOWEST_COMMIT_MS : LONGEST_COMMIT_MS);
    const finish = (): AcceptedBatch | undefined => {
      running.delete(statement);
      if (server.life !== life) throw FAILURES.lost();
      const states = write(position);
      if (states === undefined) return undefined;
      const outboxId = enqueue(states);
      if (mutations.refusesCommitted && random.chance(0.1)) throw FAILURES.refused();
      return { players: states, outboxId, index: { epoch, source, building } };
    };
    await time.sleep(takesMs);
    return finish();
  }

  return {
    server,
    scores,
    actions,
    outbox,
    index,
    readAll: () => time.sleep(network.troubled ? random.next() * SLOWEST_READING_MS : 0),
    writers: () => (mutations.hidesWriters ? [] : [...running].map(String)),
    holdOutbox(lastsMs) {
      const statement = statements++;
      running.add(statement);
      time.after(lastsMs, () => running.delete(statement));
    },
    run,
    acceptStore: (from) => ({
      insert: (players, rows, limitMs) =>
        begin(from, limitMs, () => execute((position) => acceptTotals(players, rows, position))),
      find: (keys, limitMs) =>
        run(from, limitMs, () =>
          keys.flatMap((key) => {
            const row = known.get(actionKey(key));
            if (row === undefined) return [];
            const now = scores.get(playerKey(row));
            return [mutations.repeatsTellTotal && now ? { ...row, scoreAfter: now.points } : row];
          }),
        ),
    }),
    limitedStore: (from) => ({
      accept: (commands, limitMs) =>
        begin(from, limitMs, async () => {
          let answers: LimitedBatch['answers'] = [];
          const batch = await execute((position) => {
            const judged = judgeAll(commands, position);
            answers = judged.answers;
            return judged.states;
          });
          return batch && { answers, batch };
        }),
    }),
    outboxStore: (from) => ({
      claim: (limit, leaseMs) =>
        run(from, OUTBOX_LIMIT_MS, () => {
          const due = [...outbox.values()]
            .filter(({ state, nextMs }) => state === 'pending' && nextMs <= time.nowMs())
            .sort((a, b) => a.nextMs - b.nextMs)
            .slice(0, limit);
          for (const row of due) row.nextMs = time.nowMs() + leaseMs;
          return due.map(({ id, players }) => ({ id, players }));
        }),
      settle: (ids) =>
        run(from, OUTBOX_LIMIT_MS, () => {
          for (const id of ids) outbox.delete(id);
        }),
      postpone: (ids, { minMs, maxMs, maxAttempts }) =>
        run(from, OUTBOX_LIMIT_MS, () => {
          for (const id of ids) {
            const row = outbox.get(id);
            if (row?.state !== 'pending') continue;
            row.nextMs = time.nowMs() + minMs + random.next() * (maxMs - minMs);
            if (maxAttempts === undefined) continue;
            row.attempts += 1;
            if (row.attempts >= maxAttempts) row.state = 'dead';
          }
        }),
    }),
    crash() {
      server.life += 1;
      running.clear();
    },
  };
}
