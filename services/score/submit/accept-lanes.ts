/**
 * Two lanes to the commit, each with batches of its own. The open lane accepts a batch by the totals of its players. The judged
 * lane decides on each action by itself: those that limits may apply to, those of closed boards, and those that the open lane
 * left out. The judged lane never delays the open one.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import type { Deadline } from '../../shared/flow/deadline.ts';
import { isolate } from '../../shared/flow/isolate.ts';
import { isValueRefused } from '../../shared/stores/postgres/postgres-errors.ts';
import { type BoardKind, playerKey } from '../../shared/values/board.ts';
import type { Accept } from '../accept/accept-scores.ts';
import { MAX_BATCH } from '../accept/accept-store.ts';
import type { Action } from '../accept/action.ts';
import type { Limits } from '../limits/limits.ts';

/** An action that waits for its commit. */
export interface QueuedAction extends Action {
  readonly board: BoardKind & { readonly isOpen: boolean };
  readonly deadline: Deadline;
}

export interface AcceptLanesOptions<Answer> {
  /** The accept step of the open lane. */
  readonly open: Accept;
  readonly judged: Limits['lane'];
  /** Takes one batch through its commit with the accept step of its lane. Returns undefined for an action that was left out. */
  commit(
    actions: readonly QueuedAction[],
    accept: Accept,
  ): Promise<ReadonlyArray<Answer | AppError | undefined>>;
  onBatch(size: number): void;
}

/** Batches in flight at once: each uses one connection, and two keep the disk and a core busy. */
const OPEN_IN_FLIGHT = 2;
const JUDGED_IN_FLIGHT = 1;
export const ACCEPT_CONNECTIONS = OPEN_IN_FLIGHT + JUDGED_IN_FLIGHT;
const MAX_QUEUE = 5_000;

export function createAcceptLanes<Answer>({ open, judged, commit, onBatch }: AcceptLanesOptions<Answer>) {
  const createLane = (accept: Accept, maxInFlight: number) =>
    createCoalescer<QueuedAction, Answer | undefined>({
      maxBatch: MAX_BATCH,
      maxInFlight,
      maxQueue: MAX_QUEUE,
      lapsed: ({ deadline }) => (deadline.hasPassed() ? new AppError('DEADLINE_EXCEEDED') : undefined),
      onBatch,
      send: (actions) =>
        isolate(actions, { run: (part) => commit(part, accept), isOfContents: isValueRefused }),
    });
  const openLane = createLane(open, OPEN_IN_FLIGHT);
  const judgedLane = createLane(judged.accept, JUDGED_IN_FLIGHT);

  async function judgeAll(actions: readonly QueuedAction[]): Promise<ReadonlyArray<Answer | Error>> {
    const outcomes = await judgedLane.submitAll(actions);
    return outcomes.map((outcome) => outcome ?? new AppError('INTERNAL'));
  }

  /** In the open lane first, apart from those that must wait for an action of the same call. */
  async function acceptAll(actions: readonly QueuedAction[]): Promise<ReadonlyArray<Answer | Error>> {
    const waiting = findWaiting(actions);
    const opened = (await openLane.submitAll(actions.filter((action) => !waiting.has(action)))).values();
    const outcomes = actions.map((action) => (waiting.has(action) ? undefined : opened.next().value));
    const judged = (await judgeAll(actions.filter((_, at) => outcomes[at] === undefined))).values();
    return outcomes.map((outcome) => outcome ?? judged.next().value ?? new AppError('INTERNAL'));
  }

  const isJudged = (action: QueuedAction) =>
    !action.board.isOpen || (!judged.isEmpty() && judged.concerns(action));

  return {
    /** Resolves with one outcome for each action, in order. Without limits, no action is looked up. */
    async submitAll(actions: readonly QueuedAction[]): Promise<ReadonlyArray<Answer | Error>> {
      const judgedFirst = actions.map(isJudged);
      if (!judgedFirst.includes(true)) return acceptAll(actions);
      const [ofJudged, ofOpen] = await Promise.all([
        judgeAll(actions.filter((_, at) => judgedFirst[at])),
        acceptAll(actions.filter((_, at) => !judgedFirst[at])),
      ]);
      const [nextJudged, nextOpen] = [ofJudged.values(), ofOpen.values()];
      return judgedFirst.map((is) => (is ? nextJudged : nextOpen).next().value ?? new AppError('INTERNAL'));
    },
    async close(): Promise<void> {
      // The open lane first: what it leaves out goes to the judged lane.
      await openLane.close();
      await judgedLane.close();
    },
  };
}

/** A player's actions after the first on a board that does not add up: their order decides the score. */
function findWaiting(actions: readonly QueuedAction[]): ReadonlySet<QueuedAction> {
  const waiting = new Set<QueuedAction>();
  const players = new Set<string>();
  for (const action of actions) {
    if (action.board.operator === 'sum') continue;
    const key = playerKey(action);
    if (players.has(key)) waiting.add(action);
    players.add(key);
  }
  return waiting;
}
