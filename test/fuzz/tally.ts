/** What came of the inputs so far, and everything that must not have happened. */

export interface Tally {
  /** An input was answered as its kind may be: counted under both. */
  answered(lane: string, outcome: string): void;
  /** Something that must not happen; the first few are kept with their inputs. */
  failed(lane: string, what: string, input: string): void;
  readonly inputs: number;
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly failures: readonly string[];
  readonly failureCount: number;
}

/** Enough to see every pattern: of one lane and kind, the first is kept. */
const KEPT_FAILURES = 100;
/** Longest part of an input that is shown. */
const SHOWN_LENGTH = 2_000;

export function createTally(): Tally {
  const outcomes = new Map<string, Map<string, number>>();
  const failures = new Map<string, string>();
  let inputs = 0;
  let failureCount = 0;

  function count(lane: string, outcome: string): void {
    inputs += 1;
    const byOutcome = outcomes.get(lane) ?? new Map<string, number>();
    outcomes.set(lane, byOutcome.set(outcome, (byOutcome.get(outcome) ?? 0) + 1));
  }

  return {
    answered: count,
    failed(lane, what, input) {
      count(lane, 'FAILED');
      failureCount += 1;
      const kind = `${lane}: ${what}`;
      if (failures.size >= KEPT_FAILURES || failures.has(kind)) return;
      failures.set(kind, `${kind}: ${JSON.stringify(input.slice(0, SHOWN_LENGTH))}`);
    },
    get inputs() {
      return inputs;
    },
    outcomes,
    get failures() {
      return [...failures.values()];
    },
    get failureCount() {
      return failureCount;
    },
  };
}
