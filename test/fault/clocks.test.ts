import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { type Clocks, createClocks } from './driver/stack/clocks.ts';

/** Tells its clocks again and again: the time of day in both ways, the monotonic one, and a date that is not now. */
const TELLER = `
  const tell = () => console.log(JSON.stringify({
    now: Date.now(), date: new Date().getTime(), monotonic: performance.now(), fixed: new Date(7).getTime(),
    isDate: new Date() instanceof Date,
  }));
  setInterval(tell, 20);`;
const OFF_MS = 300_000;
/** Between the teller's look at its clock and ours. */
const SLACK_MS = 5_000;
let dir: string;
let clocks: Clocks;
let stop: () => void;
let told: { now: number; date: number; monotonic: number; fixed: number; isDate: boolean } | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-clocks-'));
  clocks = createClocks(join(dir, 'clocks'));
  const child = spawn(process.execPath, ['-e', TELLER], {
    env: { PATH: process.env.PATH, ...clocks.environment('edge') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    told = JSON.parse(line);
  });
  stop = () => void child.kill('SIGKILL');
});

afterEach(async () => {
  stop();
  await rm(dir, { recursive: true, force: true });
});

/** The teller's answer once its time of day is off by so much. */
const offBy = (ms: number) =>
  waitFor(() => (told && Math.abs(told.now - Date.now() - ms) < SLACK_MS ? told : undefined));

it("puts a process's time of day off and right again while it runs, and leaves everything else", async () => {
  const before = await offBy(0);
  for (const ms of [OFF_MS, -OFF_MS]) {
    clocks.shift('edge', ms);
    const { now, date, monotonic, fixed, isDate } = await offBy(ms);
    expect(Math.abs(date - now)).toBeLessThan(SLACK_MS);
    expect(monotonic - before.monotonic).toBeLessThan(OFF_MS / 2);
    expect({ fixed, isDate }).toEqual({ fixed: 7, isDate: true });
  }
  clocks.shift('score', OFF_MS);
  clocks.shift('edge', 0);
  await offBy(0);
});
