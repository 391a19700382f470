/**
 * Loaded before a process of the product when it shall be profiled: samples where the CPU is, once it has
 * started, and leaves a
 * .cpuprofile in the folder that its own address names, for the bench's summary or the developer tools of a browser.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { basename, dirname, join } from 'node:path';

const SAMPLE_EVERY_US = 500;
const SKIP_START_MS = 10_000;

const dir = new URL(import.meta.url).searchParams.get('dir') ?? '.';
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
// What a process loads and compiles once would hide what it does all day.
setTimeout(() => session.post('Profiler.start'), SKIP_START_MS).unref();
process.once('exit', () => {
  // In one thread the answer comes before `post` returns, so there is time for it.
  session.post('Profiler.stop', (error, result) => {
    if (error !== null) return;
    mkdirSync(dir, { recursive: true });
    // services/score/main.ts is "score".
    const unit = basename(dirname(process.argv[1] ?? 'node'));
    writeFileSync(join(dir, `${unit}-${process.pid}.cpuprofile`), JSON.stringify(result.profile));
  });
});
