/**
 * Sends signed actions to the edge. An action is repeated unchanged until it is answered, because the server counts it
 * once however often it arrives. It is dropped only if the server will never count it. One action is in flight at a time,
 * so answers arrive in the order of play.
 */
import { ApiError } from './api.js';
import type { Place } from './place.js';

export interface SignedAction {
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

/** More than a person can earn in the fifteen minutes until a signature expires. */
export const QUEUE_MAX = 200;
const RETRY_MIN_MS = 300;
const RETRY_MAX_MS = 8_000;
/** Tries of one action with refused tokens; each try asks for a new token. */
const TOKEN_TRIES = 3;

export interface ScoreQueueOptions {
  readonly submit: (action: SignedAction) => Promise<Place>;
  readonly onAccepted: (place: Place, action: SignedAction) => void;
  /** The server will never count this action. */
  readonly onDropped: (action: SignedAction, error: Error) => void;
  /** Called with all unanswered actions, oldest first, when they change. */
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
  /** Changes when the queue is cleared, so that a late answer is recognised and ignored. */
  #generation = 0;

  constructor(options: ScoreQueueOptions) {
    this.#options = options;
  }

  add(...actions: readonly SignedAction[]): void {
    const room = QUEUE_MAX - this.#pending.length;
    this.#pending.push(...actions.slice(0, room));
    for (const action of actions.slice(room)) {
      this.#options.onDropped(
        action,
        new Error('Too many scores are waiting to be sent. Wait until they are saved.'),
      );
    }
    this.#changed();
    if (this.#timer === undefined) void this.#sendNext();
  }

  /** Forgets everything, for example when the player leaves. */
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
