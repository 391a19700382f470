/** A log that can't be written: nobody reads the pipe, the disk is full, the reader has gone. The process does its work. */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../../../../dev/host/ports.ts';
import { untilReady } from '../../../../dev/units/until-ready.ts';
import { createServiceKey } from '../../../../services/shared/identity/service-keys.ts';
import { LOG_WAITING_MAX_BYTES } from '../../../../services/shared/telemetry/log-output.ts';

const WRITER = new URL('../../../support/processes/log-writer.ts', import.meta.url);
const EDGE = new URL('../../../../edge/http/main.ts', import.meta.url);
/** Far more than a pipe takes and may wait together. */
const MANY_LINES = 30_000;
const WRITE_LIMIT_MS = 45_000;
const READY_LIMIT_MS = 60_000;
const children: ChildProcess[] = [];

function start(module: URL, output: 'pipe' | number, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const { PATH } = process.env;
  const stdio = ['ignore', output, 'ignore', 'ipc'] as const;
  const child = fork(module, { stdio: [...stdio], execArgv: [], env: { PATH, ...env } });
  children.push(child);
  return child;
}

/** Has the child log, and resolves when it has; rejects when it ends or hangs instead. */
function writeLines(child: ChildProcess, lines: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the log held up the process')), WRITE_LIMIT_MS);
    const ended = (code: number | null) => reject(new Error(`the process ended with ${code}`));
    child.once('exit', ended);
    child.once('message', () => {
      clearTimeout(timer);
      child.off('exit', ended);
      resolve();
    });
    child.send(lines);
  });
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

test('a pipe that nobody reads holds up nothing; what is read later is whole lines, and how many are missing', async () => {
  const child = start(WRITER, 'pipe');
  child.stdout?.pause();
  await writeLines(child, MANY_LINES);
  const lines: Record<string, unknown>[] = [];
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const heardOfLoss = new Promise<void>((resolve) => {
    reader.on('line', (line) => {
      const parsed = JSON.parse(line) as Record<string, unknown>;
      lines.push(parsed);
      if ('lines' in parsed) resolve();
    });
  });
  // Until the loss is told of there is always something to log.
  let more = 0;
  for (let told = false; !told; more += 1) {
    await writeLines(child, 1);
    told = lines.some((line) => 'lines' in line);
  }
  await heardOfLoss;
  const loss = lines.find((line) => 'lines' in line);
  const written = lines.filter((line) => 'line' in line);
  expect(loss).toMatchObject({ level: 'warn', service: 'writer', msg: 'lines of this log were lost' });
  expect(Number(loss?.lines)).toBeGreaterThan(0);
  expect(Number(loss?.lines)).toBeLessThan(MANY_LINES + more);
  expect(JSON.stringify(written).length).toBeGreaterThan(LOG_WAITING_MAX_BYTES);
  // In order, from the first on.
  const numbers = written.slice(0, 1_000).map(({ line }) => line);
  expect(numbers).toEqual(numbers.map((_, at) => at));
});

test('a reader who goes away takes nobody along', async () => {
  const child = start(WRITER, 'pipe');
  child.stdout?.destroy();
  await writeLines(child, MANY_LINES);
  await writeLines(child, 1);
});

test('a unit whose log can not be written serves as ever', async () => {
  const full = openSync('/dev/full', 'w');
  const port = await freePort();
  const child = start(EDGE, full, {
    EDGE_PORT: String(port),
    ADMIN_PORT: '0',
    REDIS_URL: 'redis://127.0.0.1:1',
    SCORE_ADDRESS: '127.0.0.1:1',
    AUTH_ADDRESS: '127.0.0.1:1',
    SERVICE_KEY: createServiceKey('edge'),
    LOG_LEVEL: 'trace',
  });
  closeSync(full);
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`))),
  );
  const ready = untilReady(`http://127.0.0.1:${port}/healthz`, AbortSignal.timeout(READY_LIMIT_MS));
  await Promise.race([ready, ended]);
  // It ends in good order as well.
  child.kill('SIGTERM');
  await expect(ended).rejects.toThrow('it ended with 0');
});
