/**
 * Two lanes to the commit, each with batches of its own. The open lane accepts by totals. The judged lane judges actions one by
 * one: those that limits may concern, and those that the open lane left out. What is judged never makes the others wait.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { type Coalescer, createCoalescer } from '../../shared/flow/coalescer.ts';
import type { AcceptResult } from './accept-scores.ts';
import { MAX_BATCH } from './accept-store.ts';
import type { AcceptCommand } from './action.ts';

/** An action on its way to the commit. */
export interface Queued extends AcceptCommand {
  /** On the monotonic clock. */
  readonly expiresAt: number;
}

export type Accept = (
  commands: readonly AcceptCommand[],
  deadline: { remainingMs(): number },
) => Promise<AcceptResult>;

/** How actions are judged one by one, and which of them limits may concern. */
export interface LimitedLane {
  /** Whether limits may concern any action at all now: asked first, so that a product without limits pays nothing. */
  isEmpty(): boolean;
  concerns(command: AcceptCommand): boolean;
  readonly accept: Accept;
}

export interface AcceptLanesOptions<Answer> {
  readonly accept: Accept;
  readonly limited: LimitedLane;
  /** Takes one batch through the commit with the way of accepting that belongs to its lane. undefined for what was left out. */
  acceptBatch(
    commands: readonly Queued[],
    accept: Accept,
  ): Promise<ReadonlyArray<Answer | AppError | undefined>>;
  onBatch(size: number): void;
}

export interface AcceptLanes<Answer> {
  /** One outcome for each command, in order. */
  submitAll(commands: readonly Queued[]): Promise<ReadonlyArray<Answer | Error>>;
  close(): Promise<void>;
}

/** Batches under way at once: each holds one connection, and two keep the disk and a core busy. */
const ACCEPT_IN_FLIGHT = 2;
const LIMITED_IN_FLIGHT = 1;
export const ACCEPT_CONNECTIONS = ACCEPT_IN_FLIGHT + LIMITED_IN_FLIGHT;
const ACCEPT_QUEUE = 5_000;

export function createAcceptLanes<Answer>(options: AcceptLanesOptions<Answer>): AcceptLanes<Answer> {
  const { accept, limited, acceptBatch, onBatch } = options;
  const createLane = (acceptOfLane: Accept, maxInFlight: number): Coalescer<Queued, Answer | undefined> =>
    createCoalescer<Queued, Answer | undefined>({
      maxBatch: MAX_BATCH,
      maxInFlight,
      maxQueue: ACCEPT_QUEUE,
      lapsed: ({ expiresAt }) =>
        expiresAt <= performance.now() ? new AppError('DEADLINE_EXCEEDED') : undefined,
      onBatch,
      send: (commands) => acceptBatch(commands, acceptOfLane),
    });
  const openLane = createLane(accept, ACCEPT_IN_FLIGHT);
  const judgedLane = createLane(limited.accept, LIMITED_IN_FLIGHT);

  async function judgeAll(commands: readonly Queued[]): Promise<ReadonlyArray<Answer | Error>> {
    const outcomes = await judgedLane.submitAll(commands);
    return outcomes.map((outcome) => outcome ?? new AppError('INTERNAL'));
  }

  async function acceptAll(commands: readonly Queued[]): Promise<ReadonlyArray<Answer | Error>> {
    const outcomes = await openLane.submitAll(commands);
    const judged = await judgeAll(commands.filter((_, at) => outcomes[at] === undefined));
    const next = judged.values();
    return outcomes.map((outcome) => outcome ?? next.next().value ?? new AppError('INTERNAL'));
  }

  return {
    async submitAll(commands) {
      if (limited.isEmpty()) return acceptAll(commands);
      const isJudged = commands.map((command) => limited.concerns(command));
      const [judged, open] = await Promise.all([
        judgeAll(commands.filter((_, at) => isJudged[at])),
        acceptAll(commands.filter((_, at) => !isJudged[at])),
      ]);
      const [nextJudged, nextOpen] = [judged.values(), open.values()];
      return isJudged.map((is) => (is ? nextJudged : nextOpen).next().value ?? new AppError('INTERNAL'));
    },
    async close() {
      // What the open lane leaves out still goes to the judged one.
      await openLane.close();
      await judgedLane.close();
    },
  };
}
