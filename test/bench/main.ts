/** `npm run bench`. */
import { parseArguments } from './arguments.ts';
import { runBench } from './run-bench.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
// A bug of the bench must not leave a stack behind.
process.on('unhandledRejection', (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
  stopping.abort();
});

try {
  const args = parseArguments(process.argv.slice(2));
  const code = await runBench({
    args,
    write: (text) => void process.stdout.write(text),
    signal: stopping.signal,
  });
  process.exitCode ??= code;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
