/**
 * A disk that is full, for one server: no file of its processes may grow beyond so many bytes. To the server each write
 * beyond fails, as it does on a disk without room.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { familyOf } from './pause-process.ts';

export function limitFileSize(pid: number, bytes: number | 'unlimited'): void {
  for (const member of familyOf(pid)) {
    // As its owner: not even root may change others' limits everywhere.
    const { uid, gid } = statSync(`/proc/${member}`);
    const args = ['--pid', String(member), `--fsize=${bytes}:unlimited`];
    execFileSync('prlimit', args, { uid, gid, stdio: 'pipe' });
  }
}
