/**
 * A full disk for one server: no file of its processes may grow beyond a size. A write beyond it fails, as on a disk without
 * room.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { isRunning } from '../../../dev/host/process-table.ts';
import { familyOf } from './pause-process.ts';

/** The parent first: children that it starts from then on have its limit. */
export function limitFileSize(pid: number, bytes: number | 'unlimited'): void {
  for (const member of familyOf(pid)) {
    try {
      limitOne(member, bytes);
    } catch (error) {
      // A Postgres worker may end at any moment.
      if (isRunning(member)) throw error;
    }
  }
}

function limitOne(pid: number, bytes: number | 'unlimited'): void {
  // As the owner of the process: not every container lets root change the limits of others.
  const { uid, gid } = statSync(`/proc/${pid}`);
  const args = ['--pid', String(pid), `--fsize=${bytes}:unlimited`];
  execFileSync('prlimit', args, { uid, gid, stdio: 'pipe' });
}
