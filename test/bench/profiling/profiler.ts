/**
 * Loaded before a process of the product when it shall be profiled: samples where the CPU is from start to end, and leaves a
 * .cpuprofile in the folder that its own address names, for the bench's summary or the developer tools of a browser.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { basename, dirname, join } from 'node:path';

const SAMPLE_EVERY_US = 500;

const dir = new URL(import.meta.url).searchParams.get('dir') ?? '.';
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
session.post('Profiler.start');
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
