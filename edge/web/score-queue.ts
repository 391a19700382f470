/**
 * Signed actions on their way to the edge. An action is sent unchanged until there is an answer, because the server
 * counts it once however often it comes; it is given up only when the server says that it never will count. One is in
 * flight at a time, so the answers come in the order of play.
 */
import { ApiError } from './api.js';

export interface SignedAction {
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

export interface Accepted {
  readonly newScore: number;
  readonly rank: number;
}

/** More than a person can play in the fifteen minutes for which a signature holds. */
export const QUEUE_MAX = 200;
const RETRY_MIN_MS = 300;
const RETRY_MAX_MS = 8_000;
/** A refused token is worth another try with a new one, but not for ever. */
const TOKEN_TRIES = 3;

export interface ScoreQueueOptions {
  readonly submit: (action: SignedAction) => Promise<Accepted>;
  readonly onAccepted: (accepted: Accepted, action: SignedAction) => void;
  /** The server will never count this action. */
  readonly onDropped: (action: SignedAction, error: Error) => void;
  /** All that have no answer yet, oldest first; to show, and to keep over a reload. */
  readonly onPending: (actions: readonly SignedAction[]) => void;
  readonly random: () => number;
}

export class ScoreQueue {
  readonly #options: ScoreQueueOptions;
  #pending: SignedAction[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending = false;
  #failures = 0;
  #tokenTries = 0;
  /** Moves when the queue is cleared, so that a late answer belongs to nobody. */
  #generation = 0;

  constructor(options: ScoreQueueOptions) {
    this.#options = options;
  }

  add(...actions: readonly SignedAction[]): void {
    const room = QUEUE_MAX - this.#pending.length;
    this.#pending.push(...actions.slice(0, room));
    for (const action of actions.slice(room)) {
      this.#options.onDropped(action, new Error('Too many scores are waiting to be sent.'));
    }
    this.#changed();
    if (this.#timer === undefined) void this.#sendNext();
  }

  /** Forgets everything, for example because the player left. */
  clear(): void {
    this.#generation += 1;
    this.#pending = [];
    this.#sending = false;
    this.#settle();
    this.#changed();
  }

  #changed(): void {
    this.#options.onPending([...this.#pending]);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failures = 0;
    this.#tokenTries = 0;
  }

  async #sendNext(): Promise<void> {
    const [action] = this.#pending;
    if (action === undefined || this.#sending) return;
    const generation = this.#generation;
    this.#sending = true;
    const outcome = await this.#options.submit(action).catch((error: unknown) => toError(error));
    if (generation !== this.#generation) return;
    this.#sending = false;
    if (outcome instanceof Error && this.#isWorthRetrying(outcome)) return this.#retryLater(outcome);
    this.#settle();
    this.#pending.shift();
    this.#changed();
    if (outcome instanceof Error) this.#options.onDropped(action, outcome);
    else this.#options.onAccepted(outcome, action);
    await this.#sendNext();
  }

  #isWorthRetrying(error: Error): boolean {
    if (!(error instanceof ApiError)) return false;
    if (error.status !== 401) return error.retryable;
    this.#tokenTries += 1;
    return this.#tokenTries < TOKEN_TRIES;
  }

  #retryLater(error: Error): void {
    this.#failures += 1;
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
    const jittered = RETRY_MIN_MS + this.#options.random() * (ceiling - RETRY_MIN_MS);
    const asked = error instanceof ApiError ? error.retryAfterMs : 0;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#sendNext();
      },
      Math.max(asked, jittered),
    );
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
