/**
 * How much a process may log: lines of each kind per second, and kinds per second. Requests cause lines, so without a limit one
 * client could fill a disk. The first lines of a kind are always written. The others are counted and reported at the end of
 * the second.
 */
export interface LogBudgetOptions {
  /** Called with a kind and the number of its lines that were left out. */
  onLeftOut: (kind: string, lines: number) => void;
  linesOfKind?: number;
}

/** Enough to see a pattern. */
export const LINES_OF_KIND = 10;
/** Places in the code that log within the same second. An outage touches some ten. */
export const KINDS = 100;
const WINDOW_MS = 1_000;
const OTHERS = 'others';

export function createLogBudget({ onLeftOut, linesOfKind = LINES_OF_KIND }: LogBudgetOptions) {
  /** Lines by kind since the window began. */
  let lines = new Map<string, number>();

  function endWindow(): void {
    const ended = lines;
    lines = new Map();
    for (const [kind, count] of ended) {
      if (count > linesOfKind) onLeftOut(kind, count - linesOfKind);
    }
  }

  return {
    /** Whether one more line of this kind may be written now. */
    admits(kind: string): boolean {
      // A window begins with its first line, so that an idle process has no timer. The timer keeps no process alive.
      if (lines.size === 0) setTimeout(endWindow, WINDOW_MS).unref();
      const counted = lines.has(kind) || lines.size < KINDS ? kind : OTHERS;
      const count = (lines.get(counted) ?? 0) + 1;
      lines.set(counted, count);
      return count <= linesOfKind;
    },
  };
}
