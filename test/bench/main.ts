/** `npm run bench`. With `--machine` it prints the facts of the machine and ends: then every part loads and every peer is installed. */
import { describeMachine } from './report/hardware.ts';
import { runBench } from './run-bench.ts';
import { parseArguments } from './scenarios/arguments.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
// A bug of the bench must not leave a stack behind.
process.on('unhandledRejection', (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
  stopping.abort();
});

const write = (text: string) => void process.stdout.write(text);

function printMachine(): number {
  for (const [name, value] of Object.entries(describeMachine())) write(`${name.padEnd(11)}${value}\n`);
  return 0;
}

const words = process.argv.slice(2);
try {
  const code =
    words.join(' ') === '--machine'
      ? printMachine()
      : await runBench({ args: parseArguments(words), write, signal: stopping.signal });
  process.exitCode ??= code;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
