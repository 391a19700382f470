/**
 * The submit use case: parse, verify, accept, project, answer. Submissions from all callers meet in one coalescer, so that
 * many share one commit; the answer goes out after the commit, with the rank when rank can tell it.
 */
import type { Submission } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import type { ServiceName } from '../../shared/identity/service-keys.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS, type Metrics } from '../../shared/telemetry/metrics.ts';
import type { Position, Projected } from '../../shared/values/board.ts';
import type { Attempt } from '../audit/keep-rejected.ts';
import type { RankBoards } from '../boards/rank-boards.ts';
import type { Delivery } from '../outbox/delivery.ts';
import { type Accept, createAcceptLanes, type LimitedLane, type Queued } from './accept-lanes.ts';
import { acceptScores } from './accept-scores.ts';
import type { AcceptStore } from './accept-store.ts';
import type { AcceptAnswer } from './action.ts';
import { type ParsedSubmission, parseSubmission } from './parse-submission.ts';
import type { SignatureVerifier } from './verify-signatures.ts';

export interface Answer extends AcceptAnswer {
  /** From 1; 0 when it could not be found in time. */
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
  /** The way of the actions that are judged one by one. */
  limited: LimitedLane;
  verifier: SignatureVerifier;
  boards: Pick<RankBoards, 'project' | 'ranks'>;
  delivery: Pick<Delivery, 'deliver'>;
  /** Why nothing can be taken now; undefined while it can. Asked before a submission costs anything. */
  shed?: () => AppError | undefined;
  /** Told of each refusal of a submission that was well formed. */
  onRefused?: (attempt: Attempt, refusal: AppError) => void;
  log: Log;
  metrics: Metrics;
}

/** Longest part of a caller's patience that we use. */
const SUBMIT_LIMIT_MS = 1_000;
const ACCEPT_LIMIT_MS = 800;

export function createSubmitScores(options: SubmitScoresOptions): SubmitScores {
  const { store, verifier, boards, delivery, log, metrics } = options;
  const sizes = metrics.histogram('score_accept_batch_size', 'Actions per commit.', BATCH_BUCKETS);
  const seconds = metrics.histogram('score_accept_seconds', 'Time of one accept statement.', LATENCY_BUCKETS);
  const outcomes = metrics.counter('score_submissions_total', 'Submissions by outcome and reason.', [
    'outcome',
    'reason',
  ]);

  async function acceptBatch(
    commands: readonly Queued[],
    accept: Accept,
  ): Promise<ReadonlyArray<Answer | AppError | undefined>> {
    const started = performance.now();
    const deadline = { remainingMs: () => Math.max(1, ACCEPT_LIMIT_MS - (performance.now() - started)) };
    const { answers, batch } = await accept(commands, deadline);
    seconds.observe((performance.now() - started) / 1000);
    const projected = batch === undefined ? [] : await boards.project(batch.players, batch.index);
    if (batch?.outboxId !== undefined) delivery.deliver(batch.outboxId, projected);
    const places = placesOf(projected);
    // A repeat changed nothing, so nothing was projected: its rank is read.
    const repeats: { leaderboard: string; userId: string; rank: number }[] = [];
    const placed = commands.map((command, index) => {
      const answer = answers[index];
      if (answer === undefined || answer instanceof AppError) return answer;
      const { leaderboard, userId } = command;
      const { newScore, version, replayed } = answer;
      const place = places.get(placeKey(command));
      const { rank = 0, position } = place ?? {};
      const full = { newScore, version, replayed, leaderboard, userId, rank, position };
      if (place === undefined) repeats.push(full);
      return full;
    });
    for (const [at, rank] of (await boards.ranks(repeats)).entries()) {
      const repeat = repeats[at];
      if (repeat !== undefined) repeat.rank = rank;
    }
    return placed;
  }

  const lanes = createAcceptLanes<Answer>({
    accept: (commands, deadline) => acceptScores(store, commands, deadline),
    limited: options.limited,
    acceptBatch,
    onBatch: (size) => sizes.observe(size),
  });

  async function verify(
    parsed: readonly ParsedSubmission[],
    expiresAt: number,
  ): Promise<Array<Queued | Error>> {
    const keyIds = await verifier.verifyAll(parsed.filter(({ signature }) => signature !== ''));
    let next = 0;
    return parsed.map(({ leaderboard, userId, username, actionId, points, caller, signature }) => {
      const keyId = signature === '' ? '' : (keyIds[next++] ?? new AppError('INTERNAL'));
      if (keyId instanceof Error) return keyId;
      return { leaderboard, userId, username, actionId, points, keyId, caller, expiresAt };
    });
  }

  async function answerAll(
    parsed: ReadonlyArray<ParsedSubmission | Error>,
    expiresAt: number,
  ): Promise<ReadonlyArray<Answer | Error>> {
    const verified = await inPlace<ParsedSubmission, Queued>(parsed, (good) => verify(good, expiresAt));
    return inPlace<Queued, Answer>(verified, (good) => lanes.submitAll(good));
  }

  function count(
    settled: ReadonlyArray<Answer | AppError>,
    parsed: ReadonlyArray<ParsedSubmission | Error>,
  ): void {
    let [accepted, replayed] = [0, 0];
    for (const [index, outcome] of settled.entries()) {
      if (outcome instanceof AppError) {
        outcomes.inc({ outcome: 'refused', reason: outcome.reason });
        const attempt = parsed[index];
        if (attempt !== undefined && !(attempt instanceof Error)) options.onRefused?.(attempt, outcome);
      } else if (outcome.replayed) replayed += 1;
      else accepted += 1;
    }
    outcomes.inc({ outcome: 'accepted', reason: '' }, accepted);
    outcomes.inc({ outcome: 'replayed', reason: '' }, replayed);
  }

  return {
    async submit(submissions, caller, remainingMs) {
      const limitMs = Math.min(remainingMs, SUBMIT_LIMIT_MS);
      const refused = options.shed?.();
      const parsed = submissions.map((submission) => refused ?? parseSubmission(submission, caller));
      const answered = await inTime(limitMs, answerAll(parsed, performance.now() + limitMs), parsed);
      const settled = answered.map((outcome) => (outcome instanceof Error ? refusal(outcome, log) : outcome));
      count(settled, parsed);
      return settled;
    },
    async close() {
      await verifier.close();
      await lanes.close();
    },
  };
}

interface KnownPlace {
  readonly rank: number;
  readonly position: Position | undefined;
}

/** By player and board. */
function placesOf(projected: readonly Projected[]): Map<string, KnownPlace> {
  const places = new Map<string, KnownPlace>();
  for (const { players, ranks, position } of projected) {
    for (const [index, player] of players.entries()) {
      places.set(placeKey(player), { rank: ranks?.[index] ?? 0, position });
    }
  }
  return places;
}

/** The answers, or when the caller's time is over first, that nobody knows yet: what is under way goes on. */
function inTime(
  limitMs: number,
  answering: Promise<ReadonlyArray<Answer | Error>>,
  parsed: ReadonlyArray<ParsedSubmission | Error>,
): Promise<ReadonlyArray<Answer | Error>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => resolve(parsed.map((item) => (item instanceof Error ? item : new AppError('DEADLINE_EXCEEDED')))),
      Math.max(1, limitMs),
    );
    answering.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Takes all that is not refused yet one step further, and puts each outcome where its item stood. */
async function inPlace<Item, Outcome>(
  items: ReadonlyArray<Item | Error>,
  step: (good: Item[]) => Promise<ReadonlyArray<Outcome | Error>>,
): Promise<Array<Outcome | Error>> {
  const good = items.filter((item): item is Item => !(item instanceof Error));
  const outcomes = await step(good);
  let next = 0;
  return items.map((item) => (item instanceof Error ? item : (outcomes[next++] ?? new AppError('INTERNAL'))));
}

const placeKey = (player: { leaderboard: string; userId: string }): string =>
  `${player.leaderboard} ${player.userId}`;

function refusal(thrown: unknown, log: Log): AppError {
  if (thrown instanceof AppError) return thrown;
  log.error({ err: thrown }, 'a submission failed');
  return new AppError('INTERNAL', { cause: thrown });
}
