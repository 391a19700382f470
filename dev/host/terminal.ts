/** What the person at the terminal reads: one line a step. The details are in the log files. */

export interface Terminal {
  say(line: string): void;
  /** A complaint of a process; the same one is not repeated within a few seconds. */
  complain(name: string, line: string): void;
}

/** An outage makes every process say the same thing many times a second. */
const REPEAT_AFTER_MS = 10_000;
const LONGEST_LINE = 240;
/** Different complaints remembered at a time. */
const MAX_REMEMBERED = 200;

export function createTerminal(out: { write(text: string): unknown }): Terminal {
  const saidAtMs = new Map<string, number>();
  const say = (line: string) => {
    out.write(`${line}\n`);
  };
  return {
    say,
    complain(name, line) {
      const text = `${name}: ${line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line}`;
      const now = performance.now();
      if (now - (saidAtMs.get(text) ?? Number.NEGATIVE_INFINITY) < REPEAT_AFTER_MS) return;
      if (saidAtMs.size >= MAX_REMEMBERED) saidAtMs.clear();
      saidAtMs.set(text, now);
      say(text);
    },
  };
}
