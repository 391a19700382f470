/** The processes that have to do with a folder, by anything that names it: a judge that does not trust the product's own marks. */
import { readFileSync, readlinkSync } from 'node:fs';
import { isRunning, listProcesses } from '../../../dev/host/process-table.ts';

export function processesTouching(folder: string): number[] {
  return listProcesses().filter(
    (pid) => pid !== process.pid && isRunning(pid) && wordsOf(pid).includes(folder),
  );
}

/** Its command line, environment and working folder; empty when it has ended. */
function wordsOf(pid: number): string {
  try {
    const parts = ['cmdline', 'environ'].map((part) => readFileSync(`/proc/${pid}/${part}`, 'utf8'));
    return [...parts, readlinkSync(`/proc/${pid}/cwd`)].join('\0');
  } catch {
    return '';
  }
}
