/**
 * What a process may log: so many lines a second of each kind, and so many kinds. Requests cause lines, so without a bound one
 * client could fill a disk. The first lines of a kind are always written; those left out are counted, and told once the
 * second is over.
 */
export interface LogBudget {
  /** Whether one more line of this kind may be written now. */
  admits(kind: string): boolean;
}

export interface LogBudgetOptions {
  /** Told of a kind whose lines were left out, and how many. */
  onLeftOut: (kind: string, lines: number) => void;
  linesOfKind?: number;
}

/** Enough to see a pattern. */
export const LINES_OF_KIND = 10;
/** Places of the code that log within the same second; an outage touches some ten. */
export const KINDS = 100;
const WINDOW_MS = 1_000;
const OTHERS = 'others';

export function createLogBudget({ onLeftOut, linesOfKind = LINES_OF_KIND }: LogBudgetOptions): LogBudget {
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
    admits(kind) {
      // A window begins with its first line, so there is no timer while nothing is logged; and none keeps a process alive.
      if (lines.size === 0) setTimeout(endWindow, WINDOW_MS).unref();
      const counted = lines.has(kind) || lines.size < KINDS ? kind : OTHERS;
      const count = (lines.get(counted) ?? 0) + 1;
      lines.set(counted, count);
      return count <= linesOfKind;
    },
  };
}
