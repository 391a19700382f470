/** A server that does not start is ended, and the message has the line in which it says why. */
import { expect, it } from 'vitest';
import { startChildServer, WontStartError } from '../../dev/servers/child-server.ts';
import { processesTouching } from '../support/touching-processes.ts';

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
