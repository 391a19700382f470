/** One fault of a run: new cheats begin, the fault is inflicted, and the product has to work again. */
import { type Fault, inflict, nameOf } from './faults/faults.ts';
import type { Health } from './health.ts';
import type { Recorder } from './observe/recorder.ts';
import type { RuledBoard } from './players/ruled-board.ts';
import type { FaultStack } from './stack/stack.ts';

export interface Survived {
  readonly fault: Fault;
  /** From the end of the fault until a score counted and was on every screen; undefined when that never came. */
  readonly wellAfterMs: number | undefined;
}

/** The table of faults promises less than five seconds; a fault that takes this long has not been survived. */
export const WELL_WITHIN_MS = 20_000;

export async function survive(
  fault: Fault,
  {
    stack,
    recorder,
    health,
    ruledBoard,
    say,
  }: {
    stack: FaultStack;
    recorder: Recorder;
    health: Health;
    ruledBoard: RuledBoard;
    say: (line: string) => void;
  },
): Promise<Survived> {
  const name = nameOf(fault);
  const cheats = await ruledBoard.plant();
  recorder.write({ ...recorder.note(), f: 'fault', value: { ...name, phase: 'begin' } });
  await inflict(fault, stack);
  const wellAfterMs = await health.untilWell(WELL_WITHIN_MS);
  recorder.write({ ...recorder.note(), f: 'fault', value: { ...name, phase: 'end' } });
  say(
    `${name.component} ${name.kind} ${fault.lastsMs} ms: well after ${wellAfterMs?.toFixed(0) ?? 'never'} ms`,
  );
  await cheats.untilFlagged();
  return { fault, wellAfterMs };
}
