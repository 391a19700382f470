/**
 * Loaded into a process before its own code: the process's wall clock is off by as many milliseconds as a file says, from
 * the moment that the file says so. Timers and monotonic clocks go on as they are, as on a machine whose time is set.
 */
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 50;
const file = process.env.CLOCK_SHIFT_FILE;
const realNow = Date.now;
let shiftMs = 0;

if (file !== undefined) {
  setInterval(() => {
    shiftMs = Number(readFileSync(file, 'utf8'));
  }, LOOK_EVERY_MS).unref();
  const now = () => realNow() + shiftMs;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, asked) => Reflect.construct(target, args.length === 0 ? [now()] : args, asked),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
}
