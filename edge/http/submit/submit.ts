/**
 * The submit use case, shared by REST and Connect: one player's action joins a batch to the score service. It is answered
 * within the edge's share of the client's patience, or refused while it has certainly not been counted.
 */
import type {
  ScoreService,
  SubmitScoresResponse_Outcome,
} from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { fromRefused } from '../../../services/shared/errors/refused.ts';
import { createCoalescer } from '../../../services/shared/flow/coalescer.ts';
import { withDeadline } from '../../../services/shared/flow/with-deadline.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS, type Metrics } from '../../../services/shared/telemetry/metrics.ts';
import type { Identity } from '../../../services/shared/tokens/token-verifier.ts';
import { type Asking, playerHolder } from '../read/asking.ts';
import type { TopCache } from '../read/top-cache.ts';
import { createPacer } from './pacer.ts';

/** What a player hands in, already parsed. */
export interface ActionInput {
  readonly leaderboard: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly signature: string;
}

export interface Accepted {
  readonly newScore: bigint;
  readonly rank: bigint;
  readonly version: bigint;
  readonly replayed: boolean;
}

export interface Submit {
  /**
   * Asked before anything is spent on a request: nothing to wait for while there is room, else a refusal with OVERLOADED when it
   * is this request's turn to be refused.
   */
  door(): undefined | Promise<never>;
  /** Refuses with OVERLOADED also when one player or address has too much of the room. */
  submit(player: Identity, action: ActionInput, asking?: Asking): Promise<Accepted>;
  close(): Promise<void>;
}

/** The client waits 2 s and the edge 1.5 s: at most 300 ms in the queue here, and the rest for the score service. */
const SCORE_DEADLINE_MS = 1_200;
const MAX_WAIT_MS = 300;
const MAX_BATCH = 500;
/** One is worked on while the other gathers; more would only make them smaller, and each call costs as much as ten items. */
const MAX_IN_FLIGHT = 2;
/** With fewer waiting, the second call would cost more than the wait for the first one's end. */
const WORTH_A_CALL = 64;
/** A tenth of a second of work: more would only be answered too late, and refusing at once costs nobody a wait. */
const MAX_QUEUE = 1_000;
/** All that may be under way: what waits and what was sent. */
const MAX_UNDER_WAY = MAX_QUEUE + MAX_IN_FLIGHT * MAX_BATCH;
const RETRY_AFTER_MS = 1_000;
/**
 * At most 20,000 refusals a second. Each takes little, but those who are refused come back at once, and what they take is missing
 * where scores are being counted.
 */
const REFUSALS_PER_STRETCH = 200;
const STRETCH_MS = 10;

interface Queued extends ActionInput {
  readonly userId: string;
  readonly username: string;
  /** On the monotonic clock; later, nobody would be there to hear the answer in time. */
  readonly sendBefore: number;
}

export interface SubmitOptions {
  score: Pick<GrpcClient<typeof ScoreService>, 'submitScores'>;
  topCache: Pick<TopCache, 'observe'>;
  metrics: Metrics;
}

export function createSubmit({ score, topCache, metrics }: SubmitOptions): Submit {
  const sizes = metrics.histogram('edge_submit_batch_size', 'Submissions per call to score.', BATCH_BUCKETS);
  const seconds = metrics.histogram('edge_submit_seconds', 'Time to answer a submission.', LATENCY_BUCKETS);
  const outcomes = metrics.counter('edge_submissions_total', 'Submissions by outcome and reason.', [
    'outcome',
    'reason',
  ]);
  const accepted = outcomes.labels('accepted', '');
  const replayed = outcomes.labels('replayed', '');
  const turnedAway = outcomes.labels('refused', 'OVERLOADED');

  async function send(submissions: Queued[]): Promise<ReadonlyArray<Accepted | AppError>> {
    const response = await score.submitScores({ submissions }, { deadlineMs: SCORE_DEADLINE_MS });
    for (const position of response.boards) topCache.observe(position);
    return response.outcomes.map(toAnswer);
  }

  const coalescer = createCoalescer<Queued, Accepted>({
    maxBatch: MAX_BATCH,
    maxInFlight: MAX_IN_FLIGHT,
    worthACall: WORTH_A_CALL,
    maxQueue: MAX_QUEUE,
    // Never sent, so certainly not counted.
    lapsed: ({ sendBefore }) => (performance.now() > sendBefore ? overloaded() : undefined),
    onBatch: (size) => sizes.observe(size),
    send,
  });

  async function turnAway(): Promise<never> {
    await refusals.turn();
    turnedAway.inc();
    throw overloaded();
  }

  const refusals = createPacer(REFUSALS_PER_STRETCH, STRETCH_MS);
  const shares = createShares(MAX_UNDER_WAY);

  return {
    door: () => (coalescer.queued < MAX_QUEUE ? undefined : turnAway()),
    async submit({ userId, username }, action, { holders = [], patienceMs } = {}) {
      const giveBack = shares.take([playerHolder(userId), ...holders]);
      if (giveBack === undefined) return turnAway();
      const { leaderboard, actionId, points, signature } = action;
      const started = performance.now();
      const sendBefore = started + Math.min(patienceMs ?? MAX_WAIT_MS, MAX_WAIT_MS);
      const queued = { leaderboard, userId, actionId, points, signature, username, sendBefore };
      try {
        const answering = coalescer.submit(queued).finally(giveBack);
        const answer = await (patienceMs === undefined ? answering : withDeadline(answering, patienceMs));
        (answer.replayed ? replayed : accepted).inc();
        return answer;
      } catch (thrown) {
        outcomes.inc({ outcome: 'refused', reason: toAppError(thrown).reason });
        throw thrown;
      } finally {
        seconds.observe((performance.now() - started) / 1000);
      }
    },
    close: () => coalescer.close(),
  };
}

function overloaded(): AppError {
  return new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
}

function toAnswer({ result }: SubmitScoresResponse_Outcome): Accepted | AppError {
  if (result.case === 'accepted') return result.value;
  if (result.case !== 'refused') return new AppError('INTERNAL');
  return fromRefused(result.value, 'SCORE_UNAVAILABLE');
}
