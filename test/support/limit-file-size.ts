/**
 * A disk that is full, for one server: no file of its processes may grow beyond so many bytes. To the server each write
 * beyond fails, as it does on a disk without room.
 */
import { execFileSync } from 'node:child_process';
import { familyOf } from './pause-process.ts';

export function limitFileSize(pid: number, bytes: number | 'unlimited'): void {
  for (const member of familyOf(pid)) {
    execFileSync('prlimit', ['--pid', String(member), `--fsize=${bytes}:unlimited`], { stdio: 'pipe' });
  }
}
