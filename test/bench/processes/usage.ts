/** CPU time and memory of the processes under measurement, as the system counts them. Reads /proc, so Linux only. */
import { readFileSync } from 'node:fs';
import { listProcesses, parentOf } from '../../../dev/host/process-table.ts';

/** A named part of the whole: one process, or one with its children. */
export interface ProcessGroup {
  readonly name: string;
  readonly pid: number;
  /** Postgres: a process for each connection. */
  readonly withChildren?: boolean;
}

/** The kernel's unit of CPU time in /proc, the same on every Linux that Node runs on. */
const TICKS_PER_S = 100;
const KIB_PER_MIB = 1024;

/** Seconds of CPU so far, by name of the group. */
export function cpuSeconds(groups: readonly ProcessGroup[]): Record<string, number> {
  return Object.fromEntries(groups.map((group) => [group.name, groupCpuSeconds(group)]));
}

/** MiB in memory, by name of the group. Memory that a group's processes share counts once. */
export function rssMib(groups: readonly ProcessGroup[]): Record<string, number> {
  return Object.fromEntries(
    groups.map((group) => {
      const parts = pidsOf(group).map(memoryKib);
      const own = parts.reduce((sum, { own }) => sum + own, 0);
      const shared = Math.max(0, ...parts.map(({ shared }) => shared));
      return [group.name, (own + shared) / KIB_PER_MIB];
    }),
  );
}

function groupCpuSeconds(group: ProcessGroup): number {
  // What children that have ended used is in their parent's account.
  const reaped = group.withChildren === true ? ticks(group.pid).ofChildren : 0;
  return pidsOf(group).reduce((sum, pid) => sum + ticks(pid).own, reaped) / TICKS_PER_S;
}

function pidsOf({ pid, withChildren }: ProcessGroup): number[] {
  if (withChildren !== true) return [pid];
  return [pid, ...listProcesses().filter((candidate) => parentOf(candidate) === pid)];
}

function ticks(pid: number): { own: number; ofChildren: number } {
  // The name in parentheses may hold spaces; after it come the state and then numbers: utime is the 12th, cutime the 14th.
  const fields = read(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  const at = (index: number) => Number(fields[index] ?? 0);
  return { own: at(11) + at(12), ofChildren: at(13) + at(14) };
}

function memoryKib(pid: number): { own: number; shared: number } {
  const status = read(pid, 'status');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { own: field('RssAnon'), shared: field('RssFile') + field('RssShmem') };
}

/** Empty when the process has ended. */
function read(pid: number, file: 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
