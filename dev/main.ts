/** `npm start`. Signals are heard before anything large is loaded: a stop may come at any moment. */
const stopping = new AbortController();
// npm passes on what it received itself, so a signal may come twice.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());

const { runLocal } = await import('./run-local.ts');
process.exit(await runLocal(process, stopping.signal));
