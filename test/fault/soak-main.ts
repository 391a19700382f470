/**
 * Random faults for as long as one likes: `npm run test:fault -- --minutes 30`. Takes `--seed 7` for the runs of that seed,
 * and `--long` for outages that outlast every library's patience. Without any of these the fixed set of CI runs instead.
 * Ctrl-C ends it after the present fault, with the report of what there was.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { createRandom } from '../support/random.ts';
import { makeFault, randomFault } from './driver/faults/faults.ts';
import { type RunResult, runUnderFire } from './driver/run.ts';
import { reportRuns } from './soak-report.ts';

const MS_PER_MINUTE = 60_000;
const LONGEST_FAULT_MS = 5_000;
/** A run's history is judged as a whole; a new one begins so often that memory stays small. */
const RUN_LASTS_MS = 5 * MS_PER_MINUTE;
/** Longer than any library waits by default before it gives up. */
const LONG_OUTAGES = [
  ['nats', 3 * MS_PER_MINUTE],
  ['redis', 2 * MS_PER_MINUTE],
  ['postgres', 2 * MS_PER_MINUTE],
] as const;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    long: { type: 'boolean', default: false },
  },
});

if (values.minutes === undefined && values.seed === undefined && !values.long) {
  const vitest = spawnSync('vitest', ['run', '--project', 'simulation', '--project', 'fault'], {
    stdio: 'inherit',
  });
  process.exit(vitest.status ?? 1);
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000);
const results: RunResult[] = [];
let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    isEnding = true;
    say('ending …');
  });
}

if (values.long) {
  const random = createRandom(firstSeed);
  const faults = LONG_OUTAGES.flatMap(([component, lastsMs]) => [
    makeFault(component, 'pause', lastsMs, random),
    makeFault(component, 'down', lastsMs, random),
  ]);
  results.push(
    await runUnderFire({ seed: firstSeed, nextFault: () => (isEnding ? undefined : faults.shift()), say }),
  );
}
const endsAtMs = performance.now() + Number(values.minutes ?? (values.long ? 0 : 5)) * MS_PER_MINUTE;
for (let seed = firstSeed; performance.now() < endsAtMs && !isEnding; seed += 1) {
  const runEndsAtMs = Math.min(endsAtMs, performance.now() + RUN_LASTS_MS);
  say(`seed ${seed}`);
  const nextFault: Parameters<typeof runUnderFire>[0]['nextFault'] = (random) =>
    performance.now() < runEndsAtMs && !isEnding ? randomFault(random, LONGEST_FAULT_MS) : undefined;
  results.push(await runUnderFire({ seed, nextFault, disks: true, say }));
}
for (const line of reportRuns(results)) say(line);
const isWrong = results.some(({ folder }) => folder !== undefined);
process.exit(isWrong ? 1 : 0);
