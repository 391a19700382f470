/**
 * Holds the answers to verifiers that know the current key set until it changes. A verifier then learns of a change at once,
 * with a request every few seconds. The waits have no timers of their own: they end when the files are checked.
 */
import type { KeySetAnswer } from './key-set-answer.ts';

/** A verifier that went away without notice is kept for at most this long. */
export const MAX_WAIT_MS = 10_000;
/** Held answers, at some 200 bytes each. Further requests are answered at once. */
const MAX_HELD = 1_000;

interface Held {
  readonly knownVersion: string;
  readonly untilMs: number;
  readonly resolve: (answer: KeySetAnswer) => void;
}

export type HeldAnswers = ReturnType<typeof createHeldAnswers>;

export function createHeldAnswers(
  answerTo: (knownVersion: string) => KeySetAnswer,
  monotonicMs: () => number = () => performance.now(),
) {
  const held = new Set<Held>();
  let isEnding = false;

  return {
    /** The answer now, or within `waitMs` if the caller's version is current. */
    answer(knownVersion: string, waitMs: number): KeySetAnswer | Promise<KeySetAnswer> {
      const answer = answerTo(knownVersion);
      if (answer.unchanged !== true || waitMs === 0 || isEnding || held.size >= MAX_HELD) return answer;
      const untilMs = monotonicMs() + Math.min(waitMs, MAX_WAIT_MS);
      return new Promise((resolve) => held.add({ knownVersion, untilMs, resolve }));
    },
    /** Answers those for whom there is a change, and those who have waited long enough. */
    release(): void {
      const nowMs = monotonicMs();
      for (const each of held) {
        const answer = answerTo(each.knownVersion);
        if (answer.unchanged === true && nowMs < each.untilMs && !isEnding) continue;
        held.delete(each);
        each.resolve(answer);
      }
    },
    /** Answers all, and from now on each at once. */
    end(): void {
      isEnding = true;
      this.release();
    },
  };
}
