/**
 * The submit use case: parse, verify, accept, project, answer. Submissions from all callers meet in one coalescer, so that
 * many share one commit; the answer goes out after the commit, with the rank when the index can tell it.
 */
import type { Submission } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../shared/app-error.ts';
import { createCoalescer } from '../shared/coalescer.ts';
import {
  isUsername,
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
} from '../shared/identifiers.ts';
import type { Log } from '../shared/log.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS, type Metrics } from '../shared/metrics.ts';
import type { ServiceName } from '../shared/service-keys.ts';
import { type AcceptAnswer, type AcceptCommand, acceptScores } from './accept-scores.ts';
import { type AcceptStore, MAX_BATCH } from './accept-store.ts';
import type { Position } from './board.ts';
import type { Delivery } from './delivery.ts';
import type { IndexKeeper } from './index-keeper.ts';
import type { Projected, Projector } from './projector.ts';
import type { ReadBoards } from './read-boards.ts';
import type { SignatureVerifier } from './verify-signatures.ts';

export interface Answer extends AcceptAnswer {
  /** From 1; 0 when nobody could tell it in time. */
  readonly rank: number;
  readonly leaderboard: string;
  /** The newest position of the board that this answer is part of. */
  readonly position: Position | undefined;
}

export interface SubmitScores {
  /** One outcome for each submission, in order. `remainingMs` is how long the caller still waits. */
  submit(
    submissions: readonly Submission[],
    caller: ServiceName,
    remainingMs: number,
  ): Promise<ReadonlyArray<Answer | AppError>>;
  close(): Promise<void>;
}

export interface SubmitScoresOptions {
  store: AcceptStore;
  verifier: SignatureVerifier;
  projector: Projector;
  delivery: Delivery;
  keeper: Pick<IndexKeeper, 'observe'>;
  reader: Pick<ReadBoards, 'currentRank' | 'ranksFromTruth'>;
  /** Why nothing can be taken now; undefined while it can. Asked before a submission costs anything. */
  shed?: () => AppError | undefined;
  log: Log;
  metrics: Metrics;
}

/** Services that may sign may also vouch directly: a signature of theirs would prove nothing more. */
const TRUSTED_TO_SIGN: ReadonlySet<ServiceName> = new Set(['game', 'cli']);
/** Longest part of a caller's patience that we use. */
const SUBMIT_LIMIT_MS = 1_000;
const ACCEPT_LIMIT_MS = 800;
/** Batches under way at once: each holds one connection, and two keep the disk and a core busy. */
export const ACCEPT_IN_FLIGHT = 4;
const ACCEPT_QUEUE = 5_000;

interface Queued extends AcceptCommand {
  /** On the monotonic clock. */
  readonly expiresAt: number;
}

export function createSubmitScores(options: SubmitScoresOptions): SubmitScores {
  const { store, verifier, projector, delivery, keeper, reader, log, metrics } = options;
  const sizes = metrics.histogram('score_accept_batch_size', 'Actions per commit.', BATCH_BUCKETS);
  const seconds = metrics.histogram('score_accept_seconds', 'Time of one accept statement.', LATENCY_BUCKETS);
  const outcomes = metrics.counter('score_submissions_total', 'Submissions by outcome and reason.', [
    'outcome',
    'reason',
  ]);

  async function acceptBatch(queued: readonly Queued[]): Promise<ReadonlyArray<Answer | AppError>> {
    const started = performance.now();
    const live = queued.filter((command) => command.expiresAt > started);
    const deadline = { remainingMs: () => Math.max(1, ACCEPT_LIMIT_MS - (performance.now() - started)) };
    const { answers, batch } = await acceptScores(store, live, deadline);
    seconds.observe((performance.now() - started) / 1000);
    if (batch !== undefined) keeper.observe(batch.index);
    const projected = batch === undefined ? [] : await projector.project(batch.players, batch.index);
    if (batch?.outboxId !== undefined) delivery.deliver(batch.outboxId, projected);
    const places = await placesOf(projected);
    let next = 0;
    return Promise.all(
      queued.map(async (command) => {
        if (command.expiresAt <= started) return new AppError('DEADLINE_EXCEEDED');
        const answer = answers[next++] ?? new AppError('INTERNAL');
        if (answer instanceof AppError) return answer;
        const { leaderboard, userId } = command;
        const place = places.get(placeKey(command));
        // A repeat changed nothing, so nothing was projected: its rank is read.
        const rank = place?.rank ?? (await reader.currentRank(leaderboard, userId));
        return { ...answer, rank, leaderboard, position: place?.position };
      }),
    );
  }

  async function placesOf(
    projected: readonly Projected[],
  ): Promise<Map<string, { rank: number; position: Position | undefined }>> {
    const places = new Map<string, { rank: number; position: Position | undefined }>();
    for (const { leaderboard, players, ranks, position } of projected) {
      const known = ranks ?? (await reader.ranksFromTruth(leaderboard, players));
      for (const [index, player] of players.entries()) {
        places.set(placeKey(player), { rank: known?.[index] ?? 0, position });
      }
    }
    return places;
  }

  const coalescer = createCoalescer<Queued, Answer>({
    maxBatch: MAX_BATCH,
    maxInFlight: ACCEPT_IN_FLIGHT,
    maxQueue: ACCEPT_QUEUE,
    onBatch: (size) => sizes.observe(size),
    send: acceptBatch,
  });

  async function submitOne(submission: Submission, caller: ServiceName, expiresAt: number): Promise<Answer> {
    const refused = options.shed?.();
    if (refused !== undefined) throw refused;
    const command = parse(submission);
    const vouched = submission.signature === '' && TRUSTED_TO_SIGN.has(caller);
    if (submission.signature === '' && !vouched) throw new AppError('SIGNATURE_REQUIRED');
    const keyId = vouched ? '' : await verifier.verify({ ...command, signature: submission.signature });
    return coalescer.submit({ ...command, keyId, caller, expiresAt });
  }

  return {
    async submit(submissions, caller, remainingMs) {
      const expiresAt = performance.now() + Math.min(remainingMs, SUBMIT_LIMIT_MS);
      const settled = await Promise.allSettled(
        submissions.map((submission) => submitOne(submission, caller, expiresAt)),
      );
      return settled.map((outcome) => {
        if (outcome.status === 'fulfilled') {
          outcomes.inc({ outcome: outcome.value.replayed ? 'replayed' : 'accepted', reason: '' });
          return outcome.value;
        }
        const error = refusal(outcome.reason, log);
        outcomes.inc({ outcome: 'refused', reason: error.reason });
        return error;
      });
    },
    async close() {
      await verifier.close();
      await coalescer.close();
    },
  };
}

const placeKey = (player: { leaderboard: string; userId: string }): string =>
  `${player.leaderboard} ${player.userId}`;

function parse(submission: Submission): Omit<AcceptCommand, 'keyId' | 'caller'> {
  return {
    leaderboard: parseLeaderboard(submission.leaderboard),
    userId: parseUserId(submission.userId),
    actionId: parseActionId(submission.actionId),
    points: parsePoints(submission.points),
    // A name that does not fit is no reason to lose a score; the known one stays.
    username: isUsername(submission.username) ? submission.username : '',
  };
}

function refusal(thrown: unknown, log: Log): AppError {
  if (thrown instanceof AppError) return thrown;
  log.error({ err: thrown }, 'a submission failed');
  return new AppError('INTERNAL', { cause: thrown });
}
