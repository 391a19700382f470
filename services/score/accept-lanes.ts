/**
 * Two lanes to the commit, each with batches of its own: most actions are accepted by totals, those that limits may concern
 * are judged one by one. What is judged never makes the others wait.
 */
import { AppError } from '../shared/app-error.ts';
import { type Coalescer, createCoalescer } from '../shared/coalescer.ts';
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

/** How what limits may concern is told apart and accepted. */
export interface LimitedLane {
  /** Whether limits may concern any action at all now: asked first, so that a product without limits pays nothing. */
  isEmpty(): boolean;
  concerns(command: AcceptCommand): boolean;
  readonly accept: Accept;
}

export interface AcceptLanesOptions<Answer> {
  readonly accept: Accept;
  readonly limited: LimitedLane | undefined;
  /** Takes one batch through the commit with the way of accepting that belongs to its lane. */
  acceptBatch(commands: readonly Queued[], accept: Accept): Promise<ReadonlyArray<Answer | AppError>>;
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
  const createLane = (acceptOfLane: Accept, maxInFlight: number): Coalescer<Queued, Answer> =>
    createCoalescer<Queued, Answer>({
      maxBatch: MAX_BATCH,
      maxInFlight,
      maxQueue: ACCEPT_QUEUE,
      lapsed: ({ expiresAt }) =>
        expiresAt <= performance.now() ? new AppError('DEADLINE_EXCEEDED') : undefined,
      onBatch,
      send: (commands) => acceptBatch(commands, acceptOfLane),
    });
  const openLane = createLane(accept, ACCEPT_IN_FLIGHT);
  const judgedLane = limited && createLane(limited.accept, LIMITED_IN_FLIGHT);

  return {
    async submitAll(commands) {
      if (limited === undefined || judgedLane === undefined || limited.isEmpty()) {
        return openLane.submitAll(commands);
      }
      const isJudged = commands.map((command) => limited.concerns(command));
      const [judged, open] = await Promise.all([
        judgedLane.submitAll(commands.filter((_, at) => isJudged[at])),
        openLane.submitAll(commands.filter((_, at) => !isJudged[at])),
      ]);
      const [nextJudged, nextOpen] = [judged.values(), open.values()];
      return isJudged.map((is) => (is ? nextJudged : nextOpen).next().value ?? new AppError('INTERNAL'));
    },
    async close() {
      await Promise.all([openLane.close(), judgedLane?.close()]);
    },
  };
}
