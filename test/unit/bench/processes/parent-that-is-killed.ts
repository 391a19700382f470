/** Starts a child of the bench, and is killed hard as soon as the child has sent something. */
import { startChild } from '../../../bench/processes/calls.ts';

const child = startChild(new URL('./busy-child.ts', import.meta.url));
child.onEvent(() => process.kill(process.pid, 'SIGKILL'));
