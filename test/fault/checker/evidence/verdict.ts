/** What judging one invariant yields: how many facts were looked at, and those that break it, each with its evidence. */

export interface Violation {
  /** One sentence. */
  readonly what: string;
  /** The facts of the record that show it. */
  readonly evidence: readonly unknown[];
}

export interface Verdict {
  /** Facts judged. None means that the record can't tell, which is not a pass. */
  readonly judged: number;
  readonly violations: readonly Violation[];
}

export type Violate = (what: string, ...evidence: readonly unknown[]) => void;

/** Judges each fact with one function and gathers what it objects to. */
export function judge<Fact>(facts: Iterable<Fact>, inspect: (fact: Fact, violate: Violate) => void): Verdict {
  const violations: Violation[] = [];
  let judged = 0;
  for (const fact of facts) {
    judged += 1;
    inspect(fact, (what, ...evidence) => violations.push({ what, evidence }));
  }
  return { judged, violations };
}

export function together(...verdicts: readonly Verdict[]): Verdict {
  return {
    judged: verdicts.reduce((sum, { judged }) => sum + judged, 0),
    violations: verdicts.flatMap(({ violations }) => violations),
  };
}
