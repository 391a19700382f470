/** A server that does not start is ended, and the message has the line in which it says why. */
import { expect, it } from 'vitest';
import {
  StillRecoveringError,
  startChildServer,
  WontStartError,
} from '../../../../dev/servers/child-server.ts';
import { processesTouching } from '../../../support/processes/touching-processes.ts';

const server = (script: string, probe: (port: number) => Promise<void>) => ({
  name: 'Thing',
  command: 'sh',
  install: 'apt-get install thing',
  args: (port: number) => ['-c', script, 'sh', String(port)],
  url: (port: number) => `thing://127.0.0.1:${port}`,
  stopSignal: 'SIGTERM' as const,
  probe,
});
const never = () => new Promise<never>(() => {});

it('is given up when its process ends, whatever a probe is waiting for', async () => {
  const starting = startChildServer(server('echo "[1] FATAL: no room"; echo bye; exit 3', never));
  await expect(starting).rejects.toThrow('Thing did not start: it ended with 3; [1] FATAL: no room');
});

it('gets another port when something else took its own', async () => {
  const asked: number[] = [];
  const script = 'echo "bind: Address already in use"; exit 1';
  const starting = startChildServer({
    ...server(script, never),
    args: (port) => {
      asked.push(port);
      return ['-c', script];
    },
  });
  await expect(starting).rejects.toThrow('Address already in use');
  expect(new Set(asked).size).toBe(5);
});

it('is ended at once when what it answers will not change', async () => {
  const mark = `thing-${process.pid}`;
  const starting = startChildServer({
    ...server('exec sleep 60', () => Promise.reject(new WontStartError('it knows another password'))),
    spawn: { env: { ...process.env, MARK: mark } },
  });
  await expect(starting).rejects.toThrow('Thing did not start: it knows another password');
  expect(processesTouching(mark)).toEqual([]);
});

const limits = { silentMs: 200, recoveringMs: 60_000 };
const recovering = () => Promise.reject(new StillRecoveringError('the database system is starting up'));
const silent = () => Promise.reject(new Error('no answer'));

it('is waited for while it answers that it is recovering, however long it would be silent otherwise', async () => {
  const startedAt = performance.now();
  const probe = () =>
    performance.now() - startedAt < 5 * limits.silentMs ? recovering() : Promise.resolve();
  const started = await startChildServer({ ...server('exec sleep 60', probe), limits });
  expect(performance.now() - startedAt).toBeGreaterThan(5 * limits.silentMs);
  await started.stop();
});

it.each([
  ['becomes silent', { limits, probes: [recovering, silent], reason: 'it did not answer within 200 ms' }],
  [
    'does not end its recovery',
    {
      limits: { silentMs: 200, recoveringMs: 300 },
      probes: [recovering],
      reason: 'it does not end its recovery',
    },
  ],
])('is given up when it %s', async (_, { limits: given, probes, reason }) => {
  let at = 0;
  const probe = () => (probes[at++] ?? probes.at(-1) ?? silent)();
  await expect(startChildServer({ ...server('exec sleep 60', probe), limits: given })).rejects.toThrow(
    reason,
  );
});

it('is ended when its start is stopped, though it recovers or its probe waits', async () => {
  for (const probe of [recovering, never]) {
    const stopping = new AbortController();
    const starting = startChildServer({ ...server('exec sleep 60', probe), signal: stopping.signal });
    setImmediate(() => stopping.abort());
    await expect(starting).rejects.toThrow('Thing did not start: it was stopped');
  }
});
