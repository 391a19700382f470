/** `npm start`. It listens for signals before it loads anything large: a stop may come at any moment. */
const stopping = new AbortController();
// npm forwards the signals that it receives, so a signal may arrive twice.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());

const { runLocal } = await import('./run-local.ts');
process.exit(await runLocal(process, stopping.signal));
