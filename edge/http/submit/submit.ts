/**
 * The submit use case, shared by REST and Connect: one player's action joins a batch to the score service. It is answered
 * within the edge's share of the client's time, or refused before it is sent, when it has certainly not been counted.
 */
import type {
  ScoreService,
  SubmitScoresResponse_Outcome,
} from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { fromRefused } from '../../../services/shared/errors/refused.ts';
import { createCoalescer } from '../../../services/shared/flow/coalescer.ts';
import type { Deadline } from '../../../services/shared/flow/deadline.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS, type Metrics } from '../../../services/shared/telemetry/metrics.ts';
import type { Identity } from '../../../services/shared/tokens/token-verifier.ts';
import { type Caller, playerHolder } from '../limits/caller.ts';
import type { TopCache } from '../read/top-cache.ts';
import { createConcurrencyLimit } from './concurrency-limit.ts';
import { createPacer } from './pacer.ts';

/** A submission, parsed. */
export interface ActionInput {
  readonly leaderboard: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly signature: string;
}

export interface Accepted {
  readonly newScore: bigint;
  /** 1-based; undefined if it could not be determined in time. */
  readonly rank: number | undefined;
  readonly version: bigint;
  readonly replayed: boolean;
}

/** The client waits 2 s and the edge 1.5 s: at most 300 ms in the queue here, and the rest for the score service. */
const SCORE_LIMIT_MS = 1_200;
const MAX_WAIT_MS = 300;
const MAX_BATCH = 500;
/** One call is worked on while the next gathers. More calls would only be smaller, and each costs as much as ten items. */
const MAX_IN_FLIGHT = 2;
/** With fewer items waiting, a second call costs more than waiting for the first to end. */
const WORTH_A_CALL = 64;
/** 0.1 s of work. What waits longer would be answered too late; a client that is refused at once loses no time. */
const MAX_QUEUE = 1_000;
/** Submissions that wait and submissions that were sent. */
const MAX_UNDER_WAY = MAX_QUEUE + MAX_IN_FLIGHT * MAX_BATCH;
/** Of the 250 ms within which 99 % of what is accepted shall be answered; arrivals and answers vary by the rest. */
const TARGET_MS = 180;
/** A machine that answers 350 a second takes that long for so many; a slower one answers later rather than fewer at once. */
const MIN_UNDER_WAY = 64;
const RETRY_AFTER_MS = 1_000;
/**
 * At most 20,000 refusals a second. A refusal is cheap, but refused clients return at once, and their refusals would take
 * the processor time that counting scores needs.
 */
const REFUSALS_PER_INTERVAL = 200;
const REFUSAL_INTERVAL_MS = 10;

interface Queued extends ActionInput {
  readonly userId: string;
  readonly username: string;
  /** When it entered the queue, on the monotonic clock. */
  readonly enteredMs: number;
  /** On the monotonic clock. An answer to a later call would not reach the client in time. */
  readonly sendBeforeMs: number;
}

export interface SubmitOptions {
  score: Pick<GrpcClient<typeof ScoreService>, 'submitScores'>;
  topCache: Pick<TopCache, 'observe'>;
  metrics: Metrics;
}

export type Submit = ReturnType<typeof createSubmit>;

export function createSubmit({ score, topCache, metrics }: SubmitOptions) {
  const sizes = metrics.histogram('edge_submit_batch_size', 'Submissions per call to score.', BATCH_BUCKETS);
  const seconds = metrics.histogram('edge_submit_seconds', 'Time to answer a submission.', LATENCY_BUCKETS);
  const outcomes = metrics.counter('edge_submissions_total', 'Submissions by outcome and reason.', [
    'outcome',
    'reason',
  ]);
  const accepted = outcomes.labels('accepted', '');
  const replayed = outcomes.labels('replayed', '');
  const overloadedTotal = outcomes.labels('refused', 'OVERLOADED');
  const limit = createConcurrencyLimit({ targetMs: TARGET_MS, min: MIN_UNDER_WAY, max: MAX_UNDER_WAY });
  const shares = createShares(limit.most);
  metrics.gauge('edge_submissions_under_way', 'Submissions that wait for their answer.', {
    collect: () => shares.taken,
  });
  metrics.gauge('edge_submissions_limit', 'Most submissions that may wait; falls when answers are slow.', {
    collect: limit.most,
  });
  const refusals = createPacer(REFUSALS_PER_INTERVAL, REFUSAL_INTERVAL_MS);

  const coalescer = createCoalescer<Queued, Accepted>({
    maxBatch: MAX_BATCH,
    maxInFlight: MAX_IN_FLIGHT,
    worthACall: WORTH_A_CALL,
    maxQueue: MAX_QUEUE,
    // Never sent, so certainly not counted.
    lapsed: ({ sendBeforeMs }) => (performance.now() > sendBeforeMs ? overloaded() : undefined),
    onBatch: (size) => sizes.observe(size),
    async send(submissions) {
      try {
        const response = await score.submitScores({ submissions }, { limitMs: SCORE_LIMIT_MS });
        for (const position of response.boards) topCache.observe(position);
        return response.outcomes.map(toAnswer);
      } finally {
        const [oldest] = submissions;
        if (oldest !== undefined) limit.onAnswered(oldest.enteredMs);
      }
    },
  });

  async function refuseAtPace(): Promise<never> {
    await refusals.turn();
    overloadedTotal.inc();
    throw overloaded();
  }

  /** Waits for the answer no longer than the client does. What was sent goes on. */
  async function answerTo(queued: Queued, deadline: Deadline | undefined, giveBack: () => void) {
    try {
      const answering = coalescer.submit(queued).finally(giveBack);
      const answer = await (deadline === undefined ? answering : deadline.race(answering));
      (answer.replayed ? replayed : accepted).inc();
      return answer;
    } catch (thrown) {
      outcomes.inc({ outcome: 'refused', reason: toAppError(thrown).reason });
      throw thrown;
    } finally {
      seconds.observe((performance.now() - queued.enteredMs) / 1000);
    }
  }

  return {
    /**
     * Admission check before any work on a request. Returns undefined if there is room in the queue and within the
     * concurrency limit; otherwise rejects with OVERLOADED, paced.
     */
    checkQueue: (): undefined | Promise<never> =>
      coalescer.queued < MAX_QUEUE && limit.admits(shares.taken) ? undefined : refuseAtPace(),
    /** Refuses with OVERLOADED also if one player or address holds too large a share of what is under way. */
    async submit(
      { userId, username }: Identity,
      { leaderboard, actionId, points, signature }: ActionInput,
      { holders = [], deadline }: Caller = {},
    ): Promise<Accepted> {
      // Some callers come without the check of the queue; a limit that refuses them may grow as well.
      const giveBack = limit.admits(shares.taken)
        ? shares.take([playerHolder(userId), ...holders])
        : undefined;
      if (giveBack === undefined) return refuseAtPace();
      const enteredMs = performance.now();
      const sendBeforeMs = Math.min(deadline?.atMs ?? Number.POSITIVE_INFINITY, enteredMs + MAX_WAIT_MS);
      const entry = { leaderboard, userId, actionId, points, signature, username };
      return answerTo({ ...entry, enteredMs, sendBeforeMs }, deadline, giveBack);
    },
    close: (): Promise<void> => coalescer.close(),
  };
}

function overloaded(): AppError {
  return new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
}

function toAnswer({ result }: SubmitScoresResponse_Outcome): Accepted | AppError {
  if (result.case === 'accepted') {
    const { newScore, rank, version, replayed } = result.value;
    return { newScore, rank: rank === 0n ? undefined : Number(rank), version, replayed };
  }
  if (result.case !== 'refused') return new AppError('INTERNAL');
  return fromRefused(result.value, 'SCORE_UNAVAILABLE');
}
