/**
 * One score's way through this service, in one file:
 *
 *     admit → verify → place → accept → project → deliver → answer
 *
 * `submit` handles the submissions of one call. `commit` handles one batch of actions, which the lanes form from many calls, so
 * that many scores share one commit. A score counts once `accept` has returned. Whatever fails after that costs the rank in
 * the answer or delays the delivery, never the score.
 */
import type { Submission } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { Deadline } from '../../shared/flow/deadline.ts';
import type { ServiceName } from '../../shared/identity/service-keys.ts';
import { isUnstorable } from '../../shared/stores/postgres/postgres-errors.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { Projected } from '../../shared/values/board.ts';
import type { IsDenied } from '../../shared/values/denied-names.ts';
import { type Accept, acceptScores } from '../accept/accept-scores.ts';
import type { AcceptedBatch, AcceptStore } from '../accept/accept-store.ts';
import type { PostgresBreaker } from '../accept/postgres-breaker.ts';
import type { SkipLocked } from '../accept/skip-locked.ts';
import type { KeepRejected } from '../audit/keep-rejected.ts';
import type { RankBoards } from '../boards/rank-boards.ts';
import type { BoardCatalog } from '../catalog/board-catalog.ts';
import type { Limits } from '../limits/limits.ts';
import type { Delivery } from '../outbox/delivery.ts';
import type { OutboxWatch } from '../outbox/outbox-watch.ts';
import { createAcceptLanes, type QueuedAction } from './accept-lanes.ts';
import { admissionRefusal } from './admission.ts';
import { type Answer, answerBatch } from './answer-batch.ts';
import { inPlace } from './in-place.ts';
import { type ParsedSubmission, parseSubmission } from './parse-submission.ts';
import { createSubmitMetrics } from './submit-metrics.ts';
import { type SignatureVerifier, type VerifiedAction, verifySubmissions } from './verify-signatures.ts';

export type SubmitScores = ReturnType<typeof createSubmitScores>;

export interface SubmitScoresOptions {
  breaker: Pick<PostgresBreaker, 'refusal' | 'run'>;
  outbox: Pick<OutboxWatch, 'isFull'>;
  catalog: Pick<BoardCatalog, 'admit' | 'place'>;
  verifier: SignatureVerifier;
  store: AcceptStore;
  skipLocked: SkipLocked;
  limits: Pick<Limits, 'lane' | 'flags'>;
  boards: Pick<RankBoards, 'project' | 'ranks'>;
  delivery: Pick<Delivery, 'deliver'>;
  rejected: Pick<KeepRejected, 'note'>;
  isDeniedName: IsDenied;
  log: Log;
  metrics: Metrics;
}

/** The service answers within this, however long its caller would wait. */
const SUBMIT_LIMIT_MS = 1_000;
const ACCEPT_LIMIT_MS = 800;
/** For the way of an answer back to its caller. A committed score is answered without a rank rather than too late. */
const ANSWER_RESERVE_MS = 50;

export function createSubmitScores(options: SubmitScoresOptions) {
  const { breaker, outbox, catalog, verifier, store, limits, boards, delivery, rejected, isDeniedName, log } =
    options;
  const metrics = createSubmitMetrics(options.metrics);
  const projecting = new Set<Promise<readonly Projected[]>>();
  const lanes = createAcceptLanes<Answer>({
    open: options.skipLocked((actions, deadline) => acceptScores(store, actions, deadline)),
    judged: { ...limits.lane, accept: options.skipLocked(limits.lane.accept) },
    commit,
    onBatch: metrics.onBatch,
  });

  /** Returns one outcome for each submission, in order. */
  async function submit(
    submissions: readonly Submission[],
    caller: ServiceName,
    callersDeadline: Deadline,
  ): Promise<ReadonlyArray<Answer | AppError>> {
    const deadline = callersDeadline.within(SUBMIT_LIMIT_MS);
    const refusal = admissionRefusal({ breaker, outbox });
    const parsed = submissions.map(
      (submission) => refusal ?? parseSubmission(submission, caller, isDeniedName),
    );
    const outcomes = await deadline.race(verifyAndCommit(parsed, deadline), () => parsed.map(outcomeUnknown));
    const answers = outcomes.map((outcome, at) =>
      outcome instanceof Error ? refuse(outcome, parsed[at]) : outcome,
    );
    metrics.onAnswered(answers);
    return answers;
  }

  async function verifyAndCommit(parsed: ReadonlyArray<ParsedSubmission | Error>, deadline: Deadline) {
    const admitted = await inPlace<ParsedSubmission, ParsedSubmission>(parsed, catalog.admit);
    const verified = await inPlace<ParsedSubmission, VerifiedAction>(admitted, (submissions) =>
      verifySubmissions(submissions, verifier, deadline),
    );
    const placed = await inPlace<VerifiedAction, QueuedAction>(verified, catalog.place);
    return inPlace<QueuedAction, Answer>(placed, (actions) => lanes.submitAll(actions));
  }

  /** Takes one batch of a lane through its commit. Returns undefined for an action that was left out. */
  async function commit(actions: readonly QueuedAction[], accept: Accept) {
    const startedMs = performance.now();
    const { answers, batch } = await breaker.run(() => accept(actions, Deadline.after(ACCEPT_LIMIT_MS)));
    metrics.onAccepted(startedMs);
    limits.flags.noteAnswers(actions, answers);
    const answerBy = earliestAhead(actions).before(ANSWER_RESERVE_MS);
    const ranks: RankBoards['ranks'] = async (players) => {
      const unknown = () => players.map(() => undefined);
      return answerBy.hasPassed() ? unknown() : answerBy.race(boards.ranks(players), unknown);
    };
    if (batch === undefined) return answerBatch(actions, answers, [], { ranks });
    limits.flags.noteAccepted(batch.players);
    const projected = await answerBy.race(projectAndDeliver(batch), () => []);
    return answerBatch(actions, answers, projected, { ranks });
  }

  /** Goes on when its callers can't wait for it: what rank answers then is delivered all the same. */
  function projectAndDeliver({ players, index, outboxId }: AcceptedBatch): Promise<readonly Projected[]> {
    const work = boards.project(players, index).then((projected) => {
      if (outboxId !== undefined) delivery.deliver(outboxId, projected);
      projecting.delete(work);
      return projected;
    });
    projecting.add(work);
    return work;
  }

  /** Turns a failure into the caller's answer, and records it if the submission was well formed. */
  function refuse(error: Error, submission: ParsedSubmission | Error | undefined): AppError {
    const refusal = toRefusal(error, log);
    if (submission !== undefined && !(submission instanceof Error)) rejected.note(submission, refusal);
    return refusal;
  }

  return {
    submit,
    /** Resolves when all submissions under way are answered and handed to the delivery. */
    async close(): Promise<void> {
      await verifier.close();
      await lanes.close();
      await Promise.all(projecting);
    },
  };
}

/** The first of the batch's callers to give up, of those that still wait. */
function earliestAhead(actions: readonly QueuedAction[]): Deadline {
  const waiting = actions.filter(({ deadline }) => !deadline.hasPassed());
  return waiting.reduce(
    (earliest, { deadline }) => (deadline.atMs < earliest.atMs ? deadline : earliest),
    Deadline.never,
  );
}

/** At the deadline the work goes on, so whether the action counts is not known yet. */
function outcomeUnknown(item: ParsedSubmission | Error): Error {
  return item instanceof Error ? item : new AppError('DEADLINE_EXCEEDED');
}

function toRefusal(error: Error, log: Log): AppError {
  if (error instanceof AppError) return error;
  if (isUnstorable(error)) return new AppError('VALUE_UNSTORABLE', { cause: error });
  log.error({ err: error }, 'a submission failed');
  return new AppError('INTERNAL', { cause: error });
}
