/**
 * Batches without a public edge in front: a trusted service's gRPC calls, and the ceiling under them, the accept statement
 * straight on Postgres. Both in a closed loop over batches, and with the same contents.
 */
import { ScoreService } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { foldByPlayer } from '../../../services/score/accept/accept-scores.ts';
import { createAcceptStore } from '../../../services/score/accept/accept-store.ts';
import { createGrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createPostgresPool } from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { type Busy, startBusyMeter } from './busy-meter.ts';
import { createHistogram } from './histogram.ts';
import { monotonicMs } from './monotonic.ts';
import { actionIdOf } from './prepare.ts';

export type BatchTarget =
  | { kind: 'grpc'; address: string; serviceKey: string }
  | { kind: 'postgres'; databaseUrl: string };

export interface BatchLoadOptions {
  target: BatchTarget;
  batch: number;
  inFlight: number;
  seconds: number;
  warmupS: number;
  userIds: readonly string[];
  prefix: string;
}

export interface BatchLoadResult extends Busy {
  operations: number;
  seconds: number;
  accepted: number;
  errors: number;
  /** Of whole batches. */
  latency: Uint32Array;
}

interface Action {
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
}

/** Answers how many of the batch were accepted. */
interface Target {
  send(actions: readonly Action[]): Promise<number>;
  close(): Promise<void> | void;
}

const DEADLINE_MS = 5_000;
const POINTS = 100;

export async function runBatchLoad(options: BatchLoadOptions): Promise<BatchLoadResult> {
  const { batch, inFlight, userIds, prefix } = options;
  const target = options.target.kind === 'grpc' ? grpcTarget(options.target) : postgresTarget(options);
  const latency = createHistogram();
  const timedFromMs = monotonicMs() + options.warmupS * 1000;
  const endMs = timedFromMs + options.seconds * 1000;
  let [next, operations, accepted, errors] = [0, 0, 0, 0];
  let meter = startBusyMeter();
  const timed = setTimeout(() => {
    meter = startBusyMeter();
  }, options.warmupS * 1000);

  const make = (): Action[] =>
    Array.from({ length: batch }, () => {
      const index = next++;
      const userId = userIds[index % userIds.length] ?? '';
      return { userId, actionId: actionIdOf(prefix, index), points: BigInt(1 + (index % POINTS)) };
    });

  async function work(): Promise<void> {
    while (monotonicMs() < endMs) {
      const actions = make();
      const startMs = monotonicMs();
      const count = await target.send(actions).catch(() => 0);
      const nowMs = monotonicMs();
      operations += batch;
      if (startMs < timedFromMs || nowMs > endMs) continue;
      accepted += count;
      errors += batch - count;
      latency.record(nowMs - startMs);
    }
  }

  await Promise.all(Array.from({ length: inFlight }, work));
  clearTimeout(timed);
  const busy = meter.read();
  await target.close();
  return { operations, seconds: options.seconds, accepted, errors, latency: latency.counts, ...busy };
}

function grpcTarget({ address, serviceKey }: { address: string; serviceKey: string }): Target {
  const score = createGrpcClient(ScoreService, {
    ...{ address, serviceKey, unavailable: 'SCORE_UNAVAILABLE' },
    conversations: ['submitScores'],
  });
  return {
    async send(submissions) {
      const { outcomes } = await score.submitScores(
        { submissions: [...submissions] },
        { limitMs: DEADLINE_MS },
      );
      return outcomes.filter(({ result }) => result.case === 'accepted').length;
    },
    close: () => score.close(),
  };
}

function postgresTarget({ target, inFlight }: BatchLoadOptions): Target {
  if (target.kind !== 'postgres') throw new Error('not a database');
  const pool = createPostgresPool({
    url: target.databaseUrl,
    connections: inFlight,
    applicationName: 'scoreboard-bench',
    statementTimeoutMs: DEADLINE_MS,
  });
  const store = createAcceptStore(pool);
  return {
    async send(actions) {
      const board = { operator: 'sum', order: 'descending' } as const;
      const named = { leaderboard: 'global', board, username: '', keyId: '', caller: 'cli' };
      const { players, rows } = foldByPlayer(actions.map((action) => ({ ...named, ...action })));
      const written = await store.insert(players, rows, DEADLINE_MS);
      return written === undefined ? 0 : rows.length;
    },
    close: () => pool.close(),
  };
}
