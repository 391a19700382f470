/** The lines that `npm start` prints, one for each step. The details are in the log files. */

export type Terminal = ReturnType<typeof createTerminal>;

/** In an outage every process logs the same error many times a second. */
const REPEAT_AFTER_MS = 10_000;
const LONGEST_LINE = 240;
/** The number of different errors that are remembered. */
const MAX_REMEMBERED = 200;

export function createTerminal(out: { write(text: string): unknown }) {
  const saidAtMs = new Map<string, number>();
  const say = (line: string): void => {
    out.write(`${line}\n`);
  };
  return {
    say,
    /** Prints an error of a process, unless the same one was printed a few seconds ago. */
    complain(name: string, line: string): void {
      const text = `${name}: ${line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line}`;
      const now = performance.now();
      if (now - (saidAtMs.get(text) ?? Number.NEGATIVE_INFINITY) < REPEAT_AFTER_MS) return;
      if (saidAtMs.size >= MAX_REMEMBERED) saidAtMs.clear();
      saidAtMs.set(text, now);
      say(text);
    },
  };
}
