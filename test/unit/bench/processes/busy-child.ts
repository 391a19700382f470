/** A child of the bench that is busy while the bench ends, and sends its next event before it can notice. */
import { answerCalls, sayEvent } from '../../../bench/processes/calls.ts';

const LOOK_EVERY_MS = 5;
const parent = process.ppid;
const clock = new Int32Array(new SharedArrayBuffer(4));

answerCalls({});
sayEvent('started');
setImmediate(() => {
  while (process.ppid === parent) Atomics.wait(clock, 0, 0, LOOK_EVERY_MS);
  sayEvent('too late');
});
