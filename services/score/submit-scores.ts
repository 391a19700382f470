/**
 * The submit use case: parse, verify, accept, project, answer. Submissions from all callers meet in one coalescer, so that
 * many share one commit; the answer goes out after the commit, with the rank when the index can tell it.
 */
import type { Submission } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../shared/app-error.ts';
import type { Log } from '../shared/log.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS, type Metrics } from '../shared/metrics.ts';
import type { ServiceName } from '../shared/service-keys.ts';
import { type Accept, createAcceptLanes, type LimitedLane, type Queued } from './accept-lanes.ts';
import { acceptScores } from './accept-scores.ts';
import type { AcceptStore } from './accept-store.ts';
import type { AcceptAnswer } from './action.ts';
import type { Position } from './board.ts';
import type { Delivery } from './delivery.ts';
import type { IndexKeeper } from './index-keeper.ts';
import type { Attempt } from './keep-rejected.ts';
import { type ParsedSubmission, parseSubmission } from './parse-submission.ts';
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
  /** The way of the actions that are judged one by one. */
  limited: LimitedLane;
  verifier: SignatureVerifier;
  projector: Projector;
  delivery: Delivery;
  keeper: Pick<IndexKeeper, 'observe'>;
  reader: Pick<ReadBoards, 'currentRank' | 'ranksFromTruth'>;
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
  const { store, verifier, projector, delivery, keeper, reader, log, metrics } = options;
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
    if (batch !== undefined) keeper.observe(batch.index);
    const projected = batch === undefined ? [] : await projector.project(batch.players, batch.index);
    if (batch?.outboxId !== undefined) delivery.deliver(batch.outboxId, projected);
    const places = await placesOf(projected);
    const unplaced: Promise<void>[] = [];
    const placed = commands.map((command, index) => {
      const answer = answers[index];
      if (answer === undefined || answer instanceof AppError) return answer;
      const { leaderboard, userId } = command;
      const { newScore, version, replayed } = answer;
      const place = places.get(placeKey(command));
      const full = {
        newScore,
        version,
        replayed,
        leaderboard,
        rank: place?.rank ?? 0,
        position: place?.position,
      };
      // A repeat changed nothing, so nothing was projected: its rank is read.
      if (place === undefined) {
        unplaced.push(
          reader.currentRank(leaderboard, userId).then((rank) => {
            full.rank = rank;
          }),
        );
      }
      return full;
    });
    await Promise.all(unplaced);
    return placed;
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
