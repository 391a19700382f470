/** Runs steps one after the other and ends with the first that fails, since each builds on those before it. */
import { Deadline } from '../../shared/flow/deadline.ts';

export interface Step {
  readonly name: string;
  /** Returns what was seen, in a few words. */
  run(deadline: Deadline): Promise<string>;
}

export interface StepResult {
  readonly step: string;
  readonly ok: boolean;
  readonly ms: number;
  /** What was seen, or what is wrong. */
  readonly note: string;
}

/** `report` is called after each step. */
export async function runSteps(
  steps: readonly Step[],
  limitMs: number,
  report: (result: StepResult) => Promise<void>,
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of steps) {
    const result = await runStep(step, limitMs);
    results.push(result);
    await report(result);
    if (!result.ok) break;
  }
  return results;
}

async function runStep({ name, run }: Step, limitMs: number): Promise<StepResult> {
  const startMs = performance.now();
  const took = () => Math.round(performance.now() - startMs);
  try {
    const note = await run(Deadline.after(limitMs));
    return { step: name, ok: true, ms: took(), note };
  } catch (error) {
    return {
      step: name,
      ok: false,
      ms: took(),
      note: error instanceof Error ? error.message : String(error),
    };
  }
}
