/** The log file of a process has a bounded size, and is created again after it was removed or could not be written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LOG_FILE_MAX_BYTES, LOG_FILES_KEPT, openLogFile } from '../../../../dev/host/log-file.ts';

let dir: string;
const onError = vi.fn();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scoreboard-log-'));
  onError.mockReset();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const path = () => join(dir, 'edge.log');
async function log(...chunks: string[]): Promise<void> {
  const stream = Readable.from(chunks);
  openLog.take(stream);
  await finished(stream);
}
let openLog: ReturnType<typeof openLogFile>;
beforeEach(() => {
  openLog = openLogFile(dir, 'edge', onError);
});

it('is rotated while the process runs, and a fixed number of old ones is kept', async () => {
  const line = (number: number) => `{"${String(number).padStart(8, '0')}${'x'.repeat(50_000)}":1}\n`;
  const linesPerFile = Math.floor(LOG_FILE_MAX_BYTES / line(0).length);
  const lines = Array.from({ length: linesPerFile * (LOG_FILES_KEPT + 3) }, (_, number) => line(number));
  const chunks = Array.from({ length: Math.ceil(lines.length / 20) }, (_, at) =>
    lines.slice(at * 20, at * 20 + 20),
  );
  await log(...chunks.map((chunk) => chunk.join('')));
  const names = ['edge.log', 'edge.log.1', 'edge.log.2', 'edge.log.3'];
  expect(readdirSync(dir).sort()).toEqual(names);
  for (const name of names) expect(statSync(join(dir, name)).size).toBeLessThanOrEqual(LOG_FILE_MAX_BYTES);
  const kept = names.toReversed().map((name) => readFileSync(join(dir, name), 'utf8'));
  expect(kept.join('') === lines.slice(-kept.join('').length / line(0).length).join('')).toBe(true);
});

it('has whole lines of each stream, also the last line', async () => {
  const [out, err] = [new Readable({ read() {} }), new Readable({ read() {} })];
  openLog.take(out);
  openLog.take(err);
  out.push('{"half');
  err.push('Error: one\n');
  out.push(' of":1}\nlast');
  out.push(null);
  err.push(null);
  await Promise.all([finished(out), finished(err)]);
  const [end, ...lines] = readFileSync(path(), 'utf8').split('\n').sort();
  expect(end).toBe('');
  // Text of the runtime becomes a line of JSON.
  const text = { level: 'error', service: 'edge', time: expect.any(String) };
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { 'half of': 1 },
    ...[
      { ...text, msg: 'Error: one' },
      { ...text, msg: 'last' },
    ],
  ]);
  expect(onError).toHaveBeenCalledExactlyOnceWith('Error: one');
});

it('is created again by the next line after it was removed', async () => {
  await log('{"a":1}\n');
  rmSync(path());
  await log('{"b":1}\n');
  expect(readFileSync(path(), 'utf8')).toBe('{"b":1}\n');
});

it('continues when the disk has room again, and reports how many lines were lost', async () => {
  symlinkSync('/dev/full', path());
  await log('a\nb\n', 'c\n');
  expect(onError).toHaveBeenCalledExactlyOnceWith(
    expect.stringMatching(/^its log cannot be written: .*ENOSPC/),
  );
  rmSync(path());
  await log('{"d":1}\n', '{"e":1}\n');
  const [lost, ...lines] = readFileSync(path(), 'utf8').split('\n');
  expect(JSON.parse(lost ?? '')).toMatchObject({
    level: 'warn',
    lines: 3,
    msg: 'lines of this log were lost',
  });
  expect(lines).toEqual(['{"d":1}', '{"e":1}', '']);
  expect(existsSync(`${path()}.1`)).toBe(false);
});
