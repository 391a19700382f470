/**
 * A long fuzz run on this machine: starts a stack of its own, sends made-up inputs to every public entry, and says what
 * came of them. Ends with 1 when anything happened that must not.
 *
 *   npm run fuzz -- --inputs 1000000 [--seed 1] [--seconds 600]
 */
import { parseArgs } from 'node:util';
import { startStackProcesses } from '../support/processes/stack-processes.ts';
import { createCorpus, FUZZ_ENV } from './corpus.ts';
import { type FuzzReport, runFuzz } from './run-fuzz.ts';

/** What a process may grow after it has warmed up: the collector's freedom, far below a leak of some bytes an input. */
const MAX_GROWTH_MIB = 128;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '600' },
  },
});
const [inputs = 0, seed = 0, seconds = 0] = [values.inputs, values.seed, values.seconds].map(Number);
if (![inputs, seed, seconds].every(Number.isSafeInteger))
  throw new Error('inputs, seed and seconds are whole numbers');
const say = (line: string) => void process.stdout.write(`${line}\n`);

function faultsOf({ tally, memory, restarted }: FuzzReport): string[] {
  const grown = Object.entries(memory).filter(([, [warm, end]]) => end - warm > MAX_GROWTH_MIB);
  return [
    ...tally.failures,
    ...restarted.map((name) => `${name} ended and was started again`),
    ...grown.map(([name, [warm, end]]) => `${name} grew from ${Math.round(warm)} to ${Math.round(end)} MiB`),
  ];
}

const stack = await startStackProcesses({ env: FUZZ_ENV });
try {
  const corpus = await createCorpus(stack);
  const report = await runFuzz({ stack, corpus, inputs, seed, limitMs: seconds * 1000, say });
  for (const [lane, outcomes] of report.tally.outcomes) {
    say(
      `${lane.padEnd(24)} ${[...outcomes]
        .sort()
        .map(([outcome, count]) => `${outcome}: ${count}`)
        .join('  ')}`,
    );
  }
  for (const [name, [warm, end]] of Object.entries(report.memory)) {
    say(`${name.padEnd(8)} ${Math.round(warm)} MiB when warm, ${Math.round(end)} MiB at the end`);
  }
  const faults = faultsOf(report);
  for (const fault of faults) say(fault);
  say(
    `${report.tally.inputs} inputs in ${Math.round(report.seconds)} s (seed ${seed}), ${faults.length} faults`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await stack.stop();
}
