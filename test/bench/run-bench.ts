/** One run of the bench: the scenarios in their order, then the tables and the files. */
import { resolve } from 'node:path';
import type { Line } from './measure/lines.ts';
import { profilerOption, summarise } from './profiling/self-times.ts';
import { describeMachine } from './report/hardware.ts';
import { writeResults } from './report/results.ts';
import { costTable, resultTable } from './report/table.ts';
import { type Arguments, SCENARIOS, type ScenarioName } from './scenarios/arguments.ts';
import { fanout } from './scenarios/fanout.ts';
import { growth } from './scenarios/growth.ts';
import { mixed } from './scenarios/mixed.ts';
import { open } from './scenarios/open.ts';
import { ordinary } from './scenarios/ordinary.ts';
import { overload } from './scenarios/overload.ts';
import { read } from './scenarios/read.ts';
import { recovery } from './scenarios/recovery.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { submit } from './scenarios/submit.ts';
import { startWorld, type World } from './world/world.ts';

const RUNS: Readonly<Record<ScenarioName, Scenario>> = {
  ...{ ordinary, submit, open, mixed, fanout, read, growth, recovery, overload },
};

export interface BenchOptions {
  args: Arguments;
  write: (text: string) => void;
  signal: AbortSignal;
}

/** The exit code: 0 only when every scenario ran to its end. */
export async function runBench({ args, write, signal }: BenchOptions): Promise<number> {
  const startedMs = performance.now();
  const step = (words: string) => {
    signal.throwIfAborted();
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0).padStart(4);
    write(`${seconds} s  ${words}\n`);
  };
  const facts = describeMachine();
  for (const [name, value] of Object.entries(facts)) write(`${name.padEnd(11)}${value}\n`);
  // The scenarios that start a product of their own are about memory and disks, not about hot functions.
  const profiled: Record<string, string> =
    args.profile === undefined ? {} : { NODE_OPTIONS: profilerOption(resolve(args.profile)) };
  const lines: Line[] = [];
  let failed = 0;
  let shared: Promise<World> | undefined;
  const world = () => {
    shared ??= startWorld({ step, settings: profiled });
    return shared;
  };
  try {
    for (const name of args.scenarios) {
      if (signal.aborted) break;
      try {
        lines.push(...(await RUNS[name]({ args, step, world })));
      } catch (error) {
        failed += 1;
        if (signal.aborted) break;
        step(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  } finally {
    await shared?.then(
      (started) => started.stop(),
      () => {},
    );
  }
  if (args.profile !== undefined) write(`\n${summarise(args.profile)}\n`);
  if (lines.length > 0) report(lines, facts, { args, write });
  return failed === 0 && !signal.aborted ? 0 : 1;
}

function report(
  lines: readonly Line[],
  facts: ReturnType<typeof describeMachine>,
  { args, write }: Pick<BenchOptions, 'args' | 'write'>,
): void {
  write(`\n${resultTable(lines)}\n\n${costTable(lines)}\n\n`);
  write('≥ the load generator had no time left: a lower bound\n');
  const isComplete = args.scenarios.length === SCENARIOS.length && !args.quick;
  const name = isComplete ? 'latest' : `${args.quick ? 'quick-' : ''}${args.scenarios.join('-')}`;
  for (const path of writeResults(lines, facts, { name, json: args.json })) write(`wrote ${path}\n`);
}
